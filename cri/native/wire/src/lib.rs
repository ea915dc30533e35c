//! The wire between `estiba serve` and the native half: message types of `isolation.proto` and the
//! frame codec that carries them over unix stream sockets.
