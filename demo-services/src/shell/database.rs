//! Where a database is, when users, streams, positions and the outbox are not in files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;

/// Which PostgreSQL keeps what changes; without one, SQLite does, in the data folder.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DatabaseSettings {
    /// PostgreSQL that keeps what changes, in place of files: postgres://USER:PASSWORD@HOST/NAME;
    /// better given by the environment or by a file
    #[arg(
        long,
        env = "APLOMB_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        conflicts_with = "database_url_file"
    )]
    pub database_url: Option<DatabaseUrl>,

    /// File that holds the URL of that PostgreSQL and nothing else
    #[arg(long, env = "APLOMB_DATABASE_URL_FILE", value_name = "FILE")]
    pub database_url_file: Option<PathBuf>,
}

impl DatabaseSettings {
    /// The URL, if one was given.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, an empty URL, or a program that was built without PostgreSQL.
    pub fn url(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        let Some(url) = self.given()? else {
            return Ok(None);
        };
        anyhow::ensure!(
            cfg!(feature = "postgres"),
            "this program was built without PostgreSQL: build it with \
             `cargo build --release -p demo-services --features postgres`"
        );
        Ok(Some(url))
    }

    fn given(&self) -> anyhow::Result<Option<DatabaseUrl>> {
        let Some(file) = &self.database_url_file else {
            let url = self.database_url.clone();
            let is_empty = url.as_ref().is_some_and(|url| url.0.is_empty());
            anyhow::ensure!(
                !is_empty,
                "--database-url (APLOMB_DATABASE_URL) is empty: {EXPECTED}"
            );
            return Ok(url);
        };
        let text = std::fs::read_to_string(file).with_context(|| {
            format!(
                "cannot read {}, which --database-url-file (APLOMB_DATABASE_URL_FILE) names",
                file.display()
            )
        })?;
        let text = text.trim();
        anyhow::ensure!(!text.is_empty(), "{} is empty: {EXPECTED}", file.display());
        Ok(Some(DatabaseUrl(text.to_owned())))
    }
}

/// What a URL has to look like.
const EXPECTED: &str = "give postgres://USER:PASSWORD@HOST/NAME";

/// The URL of a database, with a password in it: neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    /// Takes any text: what reads the command line shows a text that is refused here.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DatabaseUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        database: DatabaseSettings,
    }

    fn of_file(text: &str) -> (tempfile::TempDir, DatabaseSettings) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, text).unwrap();
        let settings = DatabaseSettings {
            database_url: None,
            database_url_file: Some(file),
        };
        (folder, settings)
    }

    #[test]
    fn a_file_is_read_without_the_end_of_its_line() {
        let (_folder, settings) = of_file("postgres://u:secret@h/d\n");
        let url = settings.given().unwrap().unwrap();
        assert_eq!(url.reveal(), "postgres://u:secret@h/d");
        assert!(!format!("{url:?} {settings:?}").contains("secret"));
    }

    #[test]
    fn nothing_given_is_no_database() {
        assert_eq!(DatabaseSettings::default().url().unwrap(), None);
    }

    #[test]
    fn what_is_empty_or_missing_is_named() {
        let (folder, mut settings) = of_file(" \n");
        let error = settings.given().unwrap_err().to_string();
        assert!(error.contains("is empty"), "{error}");
        settings.database_url_file = Some(folder.path().join("nothing"));
        let error = settings.given().unwrap_err().to_string();
        assert!(error.contains("--database-url-file"), "{error}");
        let line = Line::try_parse_from(["x", "--database-url", ""]).unwrap();
        let error = line.database.given().unwrap_err().to_string();
        assert!(error.contains("APLOMB_DATABASE_URL"), "{error}");
    }

    #[test]
    fn one_or_the_other_and_no_error_shows_the_url() {
        let both = ["x", "--database-url", "secret", "--database-url-file", "f"];
        let error = Line::try_parse_from(both).unwrap_err().to_string();
        assert!(error.contains("cannot be used with"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_program_without_postgresql_says_how_to_build_one_with_it() {
        let (_folder, settings) = of_file("postgres://u:secret@h/d");
        let error = settings.url().unwrap_err().to_string();
        assert!(error.contains("--features postgres"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
