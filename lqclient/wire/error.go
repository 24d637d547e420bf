package wire

import "errors"

// ErrMalformed reports bytes that do not follow the RFCs. Every parse error
// of this package wraps it, so that a caller may drop one message, one
// OPTION_CLIENT_DATA or one lease, and keep the connection. Only from a Reader
// it means that the stream is lost.
var ErrMalformed = errors.New("malformed message")
