package plan

import (
	"io/fs"
	"strings"
)

// maxIncludes bounds how many files a build reads.
const maxIncludes = 16

// includes checks where other trusted roots lie and that each is pinned.
func (r *report) includes(p *Plan) {
	if len(p.Include) > maxIncludes {
		r.add("include", "names %d files, and at most %d are read", len(p.Include), maxIncludes)
	}
	seen := map[string]int{}
	for i, in := range p.Include {
		path := index("include", i)
		if r.ok(path + ".path") {
			switch {
			case !fs.ValidPath(in.Path) || in.Path == ".":
				r.add(path+".path", "%q is no path within the trust directory", in.Path)
			case in.Path == "trust" || strings.HasPrefix(in.Path, "trust/"):
				r.add(path+".path", "trust/ is what the build writes: keep the file elsewhere, include/ for instance")
			}
			if first, twice := seen[in.Path]; twice {
				r.add(path+".path", "is included by include[%d] already", first)
			} else {
				seen[in.Path] = i
			}
		}
		r.digest(path+".sha256", in.SHA256)
	}
}
