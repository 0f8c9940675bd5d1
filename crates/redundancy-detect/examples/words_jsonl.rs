//! Cuts texts given as JSON lines into normalised words, for scripts that work out by brute force what is to be found.
//!
//! Each line of standard input has `id` and `text`. Each line of standard output has the same `id`, and `words`: the words of
//! the text in order, each in its normal form.
//!
//! ```sh
//! echo '{"id": 1, "text": "The cat SAT."}' | cargo run --example words_jsonl
//! ```

use redundancy_detect::text::Text;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead as _, BufWriter, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(output, "{}", cut(&serde_json::from_str(&line?)?)?)?;
    }
    output.flush()?;
    Ok(())
}

fn cut(input: &Value) -> Result<Value, Box<dyn Error>> {
    let source = input["text"].as_str().ok_or("text is missing: give a string")?;
    let text = Text::new(source)?;
    let words: Vec<&str> = text.words().iter().map(|word| text.vocabulary().word(word.id)).collect();
    Ok(json!({"id": input["id"], "words": words}))
}
