//! Decrypts the file that is named, with the crate rops; its ending says the format.
use std::{env, error::Error, fs};

use rops::cryptography::{cipher::AES256GCM, hasher::SHA512};
use rops::file::{
    format::{FileFormat, JsonFileFormat, YamlFileFormat},
    state::EncryptedFile,
    RopsFile,
};

fn decrypted<F: FileFormat>(text: &str) -> Result<String, Box<dyn Error>> {
    let file: RopsFile<EncryptedFile<AES256GCM, SHA512>, F> = text.parse()?;
    // with its metadata
    Ok(file.decrypt::<F>()?.to_string())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("which file?")?;
    let text = fs::read_to_string(&path)?;
    let json = path.ends_with(".json");
    print!("{}", if json { decrypted::<JsonFileFormat>(&text)? } else { decrypted::<YamlFileFormat>(&text)? });
    Ok(())
}
