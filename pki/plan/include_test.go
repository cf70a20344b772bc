package plan

import "testing"

const included = "include:\n  - path: include/other.json\n    sha256: c111111111111111111111111111111111111111111111111111111111111111\n"

func TestRules_Include(t *testing.T) {
	end := "    reason: targets change often, and root still needs two\n"
	with := end + included
	if got := problemsOf(t, edit(t, full(t), end, with)); got != nil {
		t.Fatalf("got %v", got)
	}
	wantOne(t, end, end+"include:\n  - path: ../other.json\n    sha256: c111111111111111111111111111111111111111111111111111111111111111\n", "include[0].path", "not a path within")
	wantOne(t, end, end+"include:\n  - path: trust/.well-known/trusted_root.json\n    sha256: c111111111111111111111111111111111111111111111111111111111111111\n", "include[0].path", "what the build writes")
	wantOne(t, end, end+"include:\n  - path: include/other.json\n    sha256: C1\n", "include[0].sha256", "64 lower-case hex digits")
	wantOne(t, end, end+"include:\n  - path: include/other.json\n", "include[0].sha256", "missing")
	wantOne(t, end, with+"  - path: include/other.json\n    sha256: c111111111111111111111111111111111111111111111111111111111111111\n", "include[1].path", "include[0] already")
}
