package config

import _ "embed"

//go:generate go test -run "^(TestReferenceFile|TestReferenceDocument)$" -update .

// Reference is a working configuration that shows and explains every key with
// its default. It is made from Keys.
//
//go:embed leaseroute.yaml
var Reference string
