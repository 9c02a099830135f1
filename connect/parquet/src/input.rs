//! A file whose footer was read.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::error::ParquetError;
#[cfg(feature = "objects")]
use crate::object::Object;

/// A file whose footer was read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) metadata: ArrowReaderMetadata,
}

/// The place of a file.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Path(PathBuf),
    #[cfg(feature = "objects")]
    Object(Object),
}

/// Opens a file. A directory can be opened, too, and would be taken for a damaged file.
fn file_at(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

impl Input {
    pub(crate) fn open(path: PathBuf) -> Result<Self, ParquetError> {
        let name = path.display().to_string();
        let opened = file_at(&path)
            .map_err(Into::into)
            .and_then(|file| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(Into::into));
        match opened {
            Ok(metadata) => Ok(Self { name, place: Place::Path(path), metadata }),
            Err(source) => Err(ParquetError::Open { file: name, source }),
        }
    }

    /// Returns the same file with these columns as dictionaries.
    pub(crate) fn with_dictionaries(&self, names: &[String]) -> Result<Self, ParquetError> {
        let schema = self.metadata.schema();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().map(Arc::clone).collect();
        for name in names {
            let field = fields.iter_mut().find(|field| field.name() == name);
            let field = field.ok_or_else(|| self.missing(name))?;
            match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
                    let kind = DataType::Dictionary(DataType::Int32.into(), field.data_type().clone().into());
                    *field = Arc::new(field.as_ref().clone().with_data_type(kind));
                }
                DataType::Dictionary(..) => {}
                other => {
                    return Err(ParquetError::NoText {
                        file: self.name.clone(),
                        column: name.clone(),
                        kind: other.to_string(),
                    });
                }
            }
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.metadata.metadata()), options)
            .map_err(|error| ParquetError::Open { file: self.name.clone(), source: error.into() })?;
        Ok(Self { name: self.name.clone(), place: self.place.clone(), metadata })
    }

    /// Returns the columns with these names.
    pub(crate) fn projection(&self, columns: &Columns) -> Result<ProjectionMask, ParquetError> {
        let fields = self.metadata.schema().fields();
        let of_file = |name: &str| fields.iter().position(|field| field.name() == name);
        let roots: Vec<_> = match columns {
            Columns::All => return Ok(ProjectionMask::all()),
            Columns::These(names) => {
                let places = names.iter().map(|name| of_file(name).ok_or_else(|| self.missing(name)));
                places.collect::<Result<_, _>>()?
            }
            Columns::OfType(names) => names.iter().filter_map(|name| of_file(name)).collect(),
        };
        // Without columns there are no rows, and serde's error says which field is missing.
        if roots.is_empty() && matches!(columns, Columns::OfType(_)) {
            return Ok(ProjectionMask::all());
        }
        Ok(ProjectionMask::roots(self.metadata.parquet_schema(), roots))
    }

    /// Returns the places of these columns' pages in a row group.
    pub(crate) fn places(&self, group: usize, columns: &ProjectionMask) -> impl Iterator<Item = Range<u64>> {
        let all = self.metadata.metadata().row_group(group).columns().iter().enumerate();
        all.filter(|(leaf, _)| columns.leaf_included(*leaf)).map(|(_, column)| {
            let (start, length) = column.byte_range();
            start..start.saturating_add(length)
        })
    }

    fn missing(&self, column: &str) -> ParquetError {
        let columns = self.metadata.schema().fields().iter().map(|field| format!("`{}`", field.name()));
        ParquetError::Column {
            file: self.name.clone(),
            column: column.to_owned(),
            columns: columns.collect::<Vec<_>>().join(", "),
        }
    }
}

/// The columns that are read.
#[derive(Clone, Debug)]
pub(crate) enum Columns {
    All,
    /// Those with these names, which must exist.
    These(Vec<String>),
    /// The fields of a struct, of which some may be optional.
    OfType(&'static [&'static str]),
}
