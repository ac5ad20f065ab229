// SentencePiece is C++: only the shim in CSentencePiece includes its headers.
