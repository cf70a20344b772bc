package ledger

import (
	"fmt"
	"io/fs"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	serialForm = regexp.MustCompile(`^[1-9a-f][0-9a-f]{0,39}$`) // at most 20 octets, RFC 5280 4.1.2.2
)

// problems collects what is wrong with one entry.
type problems []error

func (ps *problems) add(format string, args ...any) {
	*ps = append(*ps, fmt.Errorf(format, args...))
}

func (ps *problems) name(field, value string) {
	if !nameForm.MatchString(value) {
		ps.add("%s is %q: a name is lower-case letters, digits and hyphens", field, value)
	}
}

func (ps *problems) digest(field, value string) {
	if !digestForm.MatchString(value) {
		ps.add("%s is %q: a SHA-256 is 64 lower-case hex digits", field, value)
	}
}

func (ps *problems) serial(value string) {
	if !serialForm.MatchString(value) {
		ps.add("serial is %q: a serial is 1 to 40 lower-case hex digits, not zero in front", value)
	}
}

// text wants something readable that cannot drive a terminal.
func (ps *problems) text(field, value string) {
	if value == "" {
		ps.add("%s is empty", field)
	}
	if !utf8.ValidString(value) {
		ps.add("%s is not valid UTF-8", field)
	}
	for _, r := range value {
		if !unicode.IsPrint(r) {
			ps.add("%s holds the unprintable character %U", field, r)
			return
		}
	}
}

func (ps *problems) instant(field string, t time.Time) {
	if _, offset := t.Zone(); t.IsZero() || offset != 0 || t.Nanosecond() != 0 || t.Year() > 9999 {
		ps.add("%s is %s: a time is UTC in whole seconds", field, t.Format(time.RFC3339Nano))
	}
}

func (ps *problems) file(field string, f File) {
	if !fs.ValidPath(f.Path) || f.Path == "." {
		ps.add("%s.path is %q: a path is slash-separated, inside the trust directory", field, f.Path)
	}
	ps.text(field+".path", f.Path)
	ps.digest(field+".sha256", f.SHA256)
}
