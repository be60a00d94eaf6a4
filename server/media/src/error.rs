//! Why a file was refused.

/// Why a file was refused. [`MediaError::code`] is for clients; the texts are for the log and hold nothing of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, {limit} are allowed")]
    TooLarge { bytes: u64, limit: u64 },
    /// The first bytes are those of no picture format we know.
    #[error("the file is not a picture")]
    NotAnImage,
    /// A picture, but of a kind we do not read.
    #[error("unsupported: {0}")]
    Unsupported(&'static str),
    /// More than one frame.
    #[error("animated pictures are not accepted")]
    Animated,
    /// The file ends before the picture does.
    #[error("the file is cut off")]
    Truncated,
    /// The file contradicts its format.
    #[error("damaged: {0}")]
    Malformed(&'static str),
    /// More pixels, or a longer side, than the limits allow.
    #[error("{width} x {height} pixels are too many")]
    TooManyPixels { width: u32, height: u32 },
    /// An encoder failed, which good input cannot cause.
    #[error("cannot encode: {0}")]
    Encode(&'static str),
    /// What only moving pictures can be refused for.
    #[error(transparent)]
    Film(#[from] FilmError),
}

/// Why a film or an animation was refused, where [`MediaError`] has no name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilmError {
    /// The first bytes are those of no film we know.
    #[error("the file is not a film")]
    NotAFilm,
    /// The parts of a film, but no pictures that move.
    #[error("the film has no pictures")]
    NoPictures,
    /// Lasts longer than the limit.
    #[error("the film lasts longer than {limit} seconds")]
    TooLong { limit: u64 },
    /// More tracks than the limit.
    #[error("the film has more than {limit} tracks")]
    TooManyTracks { limit: u32 },
    /// An animation of more pictures than the limit.
    #[error("the animation has more than {limit} frames")]
    TooManyFrames { limit: u32 },
    /// More pictures in a second than the limit.
    #[error("the film has more than {limit} frames a second")]
    TooFast { limit: u32 },
    /// The store did not give the bytes; not the file's fault.
    #[error("the film could not be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// It would have to be converted, and nothing here may do that.
    #[error("the film must be converted, which needs ffmpeg in a sandbox, and there is none")]
    NoSandbox,
    /// The converter ended with an error: the film is damaged, or more than it may use was not enough.
    #[error("the film cannot be converted: {0}")]
    Conversion(&'static str),
    /// The converter was asked to end, or had too little of a busy machine: another time it may work.
    #[error("the conversion was ended: {0}")]
    Interrupted(&'static str),
}

impl FilmError {
    fn code(self) -> &'static str {
        match self {
            FilmError::NotAFilm => "file_not_a_film",
            FilmError::NoPictures => "film_without_pictures",
            FilmError::TooLong { .. } => "film_too_long",
            FilmError::TooManyTracks { .. } => "film_too_many_tracks",
            FilmError::TooManyFrames { .. } => "animation_too_many_frames",
            FilmError::TooFast { .. } => "film_too_fast",
            FilmError::Unreadable(_) => "film_unreadable",
            FilmError::NoSandbox => "film_conversion_unavailable",
            FilmError::Conversion(_) => "film_conversion_failed",
            FilmError::Interrupted(_) => "film_conversion_interrupted",
        }
    }
}

impl MediaError {
    /// A stable code for clients, to be translated there.
    pub fn code(&self) -> &'static str {
        match self {
            MediaError::Empty => "file_empty",
            MediaError::TooLarge { .. } => "file_too_large",
            MediaError::NotAnImage => "file_not_an_image",
            MediaError::Unsupported(_) => "image_unsupported",
            MediaError::Animated => "image_animated",
            MediaError::Truncated => "image_truncated",
            MediaError::Malformed(_) => "image_malformed",
            MediaError::TooManyPixels { .. } => "image_too_many_pixels",
            MediaError::Encode(_) => "image_encoding_failed",
            MediaError::Film(film) => film.code(),
        }
    }
}
