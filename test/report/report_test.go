package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	tests := []struct {
		name, in, want string
		code           int
	}{
		{"tests that pass are quiet, and their parent is not counted", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`, "ok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n", 0},
		{"a test that fails says why", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`, "p: TestA\n    a_test.go:1: wrong\nFAIL\tp\t0.1s\n0 passed, 1 failed, 0 skipped\n", 1},
		{"a test that is skipped is named", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`, "skipped p: TestA\n0 passed, 0 failed, 1 skipped\n", 0},
		{"a process that dies leaves its words", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}
{"Action":"fail","Package":"p"}
`, "p: TestA did not end\npanic: no\n0 passed, 1 failed, 0 skipped\n", 1},
		{"a build that fails is a failure", `
{"ImportPath":"p","Action":"build-output","Output":"p.go:1: syntax error\n"}
{"ImportPath":"p","Action":"build-fail"}
`, "p.go:1: syntax error\n0 passed, 0 failed, 0 skipped\n", 1},
		{"what is no event is passed on", "go: no such module\n", "go: no such module\n0 passed, 0 failed, 0 skipped\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			code := run(strings.NewReader(strings.TrimPrefix(tt.in, "\n")), &out)
			if out.String() != tt.want || code != tt.code {
				t.Errorf("run = %d:\n%s\nwant %d:\n%s", code, &out, tt.code, tt.want)
			}
		})
	}
}
