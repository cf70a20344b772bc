package plan

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// maxIncludes bounds how many files a build reads.
const maxIncludes = 16

// checkIncluded checks where other trusted roots lie and that each is pinned.
func checkIncluded(r *report, at string, files []Include) {
	if len(files) > maxIncludes {
		r.add(at, "names %d files, and at most %d are read", len(files), maxIncludes)
	}
	seen := map[string]int{}
	for i, in := range files {
		path := index(at, i)
		if r.ok(path + ".path") {
			switch {
			case !fs.ValidPath(in.Path) || in.Path == ".":
				r.add(path+".path", "%q is not a path within the trust directory", in.Path)
			case in.Path == "trust" || strings.HasPrefix(in.Path, "trust/"):
				r.add(path+".path", "trust/ is what the build writes: keep the file elsewhere, include/ for instance")
			}
			if first, twice := seen[in.Path]; twice {
				r.add(path+".path", "is included by %s already", index(at, first))
			} else {
				seen[in.Path] = i
			}
		}
		digest(r, path+".sha256", in.SHA256)
	}
}

// signing checks how signers choose, and what is included.
func signing(r *report, p *Plan) {
	if p.Signing == nil {
		return
	}
	for field, s := range map[string]Selection{"signing.rekor": p.Signing.Rekor, "signing.tsa": p.Signing.TSA} {
		if s.Selector != "" {
			oneOf(r, field+".selector", s.Selector, "ANY", "ALL", "EXACT")
		}
		if exact := s.Selector == "EXACT"; exact && s.Count < 1 {
			r.add(field+".count", "EXACT asks for a number of operators: write 1 or more")
		} else if !exact && s.Count != 0 {
			r.add(field+".count", "only EXACT has a count: remove the field")
		}
	}
	checkIncluded(r, "signing.include", p.Signing.Include)
}

// builtPath is what a build writes under trust/ and an alias may stand for.
var builtPath = regexp.MustCompile(`^(certs/[a-z0-9-]+(\.crt|-chain\.pem)|keys/[a-z0-9-]+\.pub|\.well-known/(trusted_root|signing-config)\.json)$`)

// publish checks that forms are known, and that aliases name what is built and
// lie beside it.
func publish(r *report, p *Plan) {
	if p.Publish == nil {
		return
	}
	for i, name := range p.Publish.Render {
		at := index("publish.render", i)
		oneOf(r, at, name, Forms...)
		if slices.Index(p.Publish.Render, name) < i {
			r.add(at, "stands there a second time")
		}
	}
	taken := map[string]bool{}
	for i, n := range p.Publish.Names {
		at := index("publish.names", i)
		if !builtPath.MatchString(n.Built) {
			r.add(at+".built", "%q is nothing that a build writes: write certs/NAME.crt, certs/NAME-chain.pem, keys/NAME.pub, with -gN for one generation, or a file of .well-known/", n.Built)
		}
		switch {
		case !fs.ValidPath(n.As) || n.As == "." || n.As == "index.html" || builtPath.MatchString(n.As):
			r.add(at+".as", "%q is not a path of its own under trust/", n.As)
		case taken[n.As]:
			r.add(at+".as", "%q stands for something else already", n.As)
		}
		taken[n.As] = true
	}
}
