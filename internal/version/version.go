// Package version says which build is running.
package version

import "runtime/debug"

// release is the version that scripts/release builds, set by the linker.
var release string

// String returns the released version, or the module version and, where the
// build recorded it, the commit: "v0.1.0 (3f2c1a9b0d4e)" or "unreleased".
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "unreleased"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return v + " (" + s.Value[:12] + ")"
		}
	}
	return v
}
