// Package config turns what an operator writes into typed values, once. Load
// is the only code that sees viper; nobody checks the values again.
package config
