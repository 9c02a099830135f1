//! Parses the argument of `--storage`: a folder, `file://…` or `s3://bucket/prefix`.

use std::path::PathBuf;

use object_store::path::Path as Key;
use url::Url;

use super::StoreError;

/// The location of a storage. Nothing is opened or created yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder on this machine.
    Folder(PathBuf),
    /// A bucket of an S3 service, and the prefix of all its keys.
    Bucket {
        /// The address without the prefix.
        url: Url,
        /// May be empty.
        prefix: Key,
    },
}

impl Location {
    /// Parses an address.
    ///
    /// # Errors
    /// [`StoreError::Address`], which lists the allowed forms.
    pub fn parse(address: &str) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Address { address: address.to_owned(), reason };
        if !address.contains("://") {
            return match address {
                "" => Err(refuse("it is empty".into())),
                folder => Ok(Self::Folder(folder.into())),
            };
        }
        let url = Url::parse(address).map_err(|error| refuse(error.to_string()))?;
        match url.scheme() {
            "file" => url
                .to_file_path()
                .map(Self::Folder)
                .map_err(|()| refuse("it is not a folder of this machine".into())),
            "s3" | "s3a" => Self::bucket(&url).ok_or_else(|| refuse("the bucket is missing".into())),
            other => Err(refuse(format!(
                "`{other}://` is unknown; give a folder, file:///folder or s3://bucket/prefix"
            ))),
        }
    }

    fn bucket(url: &Url) -> Option<Self> {
        url.host_str().filter(|bucket| !bucket.is_empty())?;
        let prefix = Key::parse(url.path().trim_matches('/')).ok()?;
        let mut url = url.clone();
        url.set_path("");
        Some(Self::Bucket { url, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_and_a_file_url_are_folders() {
        assert_eq!(Location::parse("some/where").unwrap(), Location::Folder("some/where".into()));
        assert_eq!(Location::parse("file:///a/b").unwrap(), Location::Folder("/a/b".into()));
    }

    #[test]
    fn an_s3_url_is_a_bucket_and_a_prefix() {
        let Location::Bucket { url, prefix } = Location::parse("s3://media/some/where/").unwrap() else {
            panic!("not a bucket");
        };
        assert_eq!(url.host_str(), Some("media"));
        assert_eq!(prefix.as_ref(), "some/where");
    }

    #[test]
    fn an_unknown_storage_is_refused_with_the_allowed_ones() {
        for address in ["ftp://host/x", "s3://", "", "s3:///prefix"] {
            let error = Location::parse(address).unwrap_err();
            assert!(matches!(error, StoreError::Address { .. }), "{address}: {error}");
        }
        let error = Location::parse("ftp://host/x").unwrap_err().to_string();
        assert!(error.contains("s3://bucket/prefix"), "{error}");
    }
}
