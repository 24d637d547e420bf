// Package config turns what an operator writes into typed values, once. Load
// is the only code that sees viper; nobody checks the values again.
//
// One table has a row for each key (rootKeys, serverKeys, interfaceIDKeys): its
// path, its default, what is allowed, what it means and where its value goes.
// Load, the environment, the flags, the reference file and
// docs/configuration.md all come from it.
//
// The package holds no state. A Config belongs to whoever loaded it, and is
// not changed afterwards: any goroutine may read it.
package config
