package ceremony

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/linnemanlabs/trustroot/pki"
)

// Public says what of people a page for readers may show.
type Public struct {
	Names   bool // of operators, witnesses and holders
	Serials bool // of their tokens
}

// public is what that page shows.
type public struct {
	Organization, Ceremony, Day  string
	Operators, Witnesses, Tokens int
	Rehearsal                    bool
	Exceptions                   []string
	Certificates                 []reportCertificate
	Claims                       []Claim
	Record                       string
	Withheld                     string
}

// PublicReport writes the page of a verified record for readers: what came out
// of the ceremony, what is proved and how to check it, tied to the record by its
// digest. Names and serial numbers of tokens are replaced where o does not allow
// them; a page in which one is left is not written.
func PublicReport(v *Verified, o Public) ([]byte, error) {
	full, err := newReport(v.Request, v.Record.Files)
	if err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	secrets := v.secrets(o)
	digest := v.Record.Digest()
	page := public{
		Organization: full.Organization, Ceremony: full.Ceremony, Day: full.Day,
		Operators: len(full.Operators), Witnesses: len(full.Witnesses), Tokens: len(v.Witnesses), Rehearsal: full.Rehearsal,
		Certificates: full.Certificates, Record: pki.HexGroups(digest[:]), Withheld: withheld(o),
	}
	for _, e := range full.Exceptions {
		page.Exceptions = append(page.Exceptions, hide(secrets, e))
	}
	for _, c := range v.Claims {
		page.Claims = append(page.Claims, Claim{Text: hide(secrets, c.Text), By: hide(secrets, c.By), People: c.People})
	}
	out, err := render("report/public.html.tmpl", page)
	if err != nil {
		return nil, err
	}
	for secret, what := range secrets {
		if pattern(template.HTMLEscapeString(secret)).Match(out) {
			return nil, fmt.Errorf("the page would show a %s that is not allowed; nothing was written", what)
		}
	}
	return out, nil
}

// secrets are the texts that stay out of the page, and what stands for each.
func (v *Verified) secrets(o Public) map[string]string {
	c, out := v.Request.Plan.Ceremonies[v.Request.Manifest.Ceremony], map[string]string{}
	if !o.Names {
		for _, name := range slices.Concat(c.Operators, c.Witnesses) {
			out[name] = "name"
		}
		for name := range v.Request.Plan.Holders {
			out[name] = "name"
		}
		for _, w := range v.Witnesses {
			out[w.Name] = "name"
		}
	}
	if !o.Serials {
		out[strconv.FormatUint(uint64(c.Token), 10)] = "serial number"
		for _, w := range v.Witnesses {
			out[strconv.FormatUint(uint64(w.Serial), 10)] = "serial number"
		}
	}
	delete(out, "")
	return out
}

// hide replaces secrets, the longest first.
func hide(secrets map[string]string, text string) string {
	longest := slices.SortedFunc(maps.Keys(secrets), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, secret := range longest {
		text = pattern(secret).ReplaceAllLiteralString(text, "("+secrets[secret]+" withheld)")
	}
	return text
}

// pattern finds a secret as a word: Al is in no "also".
func pattern(secret string) *regexp.Regexp {
	ascii := func(r rune) bool { return r < 128 }
	if strings.IndexFunc(secret, func(r rune) bool { return !ascii(r) }) >= 0 {
		return regexp.MustCompile(regexp.QuoteMeta(secret)) // \b knows ASCII alone
	}
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(secret) + `\b`)
}

func withheld(o Public) string {
	switch {
	case !o.Names && !o.Serials:
		return "Names of people and serial numbers of their tokens"
	case !o.Names:
		return "Names of people"
	case !o.Serials:
		return "Serial numbers of people's tokens"
	}
	return ""
}
