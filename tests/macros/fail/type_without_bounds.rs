use stage_core::pipeline;

pipeline! {
    Numbers<T>(all: Vec<T>) {
        start  || all;
        finish |_: T| ();
    }
}

pipeline! {
    Pairs<K, V: Clone + Send + 'static>(all: Vec<(K, V)>)
    where
        Vec<K>: Clone,
    {
        start  || all;
        finish |_: (K, V)| ();
    }
}

pipeline! {
    Bounded<T>(all: Vec<T>)
    where
        T: Clone + Send + 'static,
    {
        start  || all;
        finish |_: T| ();
    }
}

fn main() {}
