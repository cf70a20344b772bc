package adopt

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// AdoptOptions are what an existing hierarchy is read from, and the answers
// that no file gives.
type Options struct {
	Paths       []string             // files and folders with certificates and public keys in PEM
	TrustedRoot string               // the trusted_root.json in use; empty for none
	Token       *AdoptedToken        // the root's token, where it is at hand
	Root        *plan.TokenKey       // how the root's key is kept, where no token says it
	URLs        map[string]string    // by name
	Logs        map[string]Log       // of keys that no trusted_root.json names, by SPKI SHA-256
	Starts      map[string]time.Time // "rekor:2"
	Cutovers    map[string]time.Time // "fulcio:2": when the service used generation 2; zero for "not yet seen"
	Missing     map[string]string    // reason by serial, lower-case hex
	Keys        map[string]string    // KMS ARN by "fulcio:2"
}

// AdoptLog says whose a checkpoint key is.
type Log struct {
	Name, Kind, Origin, URL string
}

// AdoptedToken is what the root's token says of its slot 9c.
type AdoptedToken struct {
	Serial     uint32
	Key        *plan.TokenKey
	SPKISHA256 string
	Slot       *x509.Certificate // attestation of the key; nil where there is none
	Device     *x509.Certificate
	Unattested string // why there is none
}

// Asked is a question that no file answers.
type Asked struct {
	Text   string `json:"question"`
	Answer string `json:"answer_with"` // the flag, with what the files suggest
}

// Adoption is what adopting found and would write.
type Adoption struct {
	Defects   []finding.Finding `json:"defects"`             // repair is what adopting does about it, or what the next generation does
	Questions []Asked           `json:"questions,omitempty"` // while there are any, nothing is written
	Found     []string          `json:"found"`               // a line each
	Changes   []Remade          `json:"trusted_root_changes,omitempty"`
	Plan      []byte            `json:"-"`

	options     Options
	now         time.Time
	authorities []*adoptedAuthority // issuers first
	logs        []*adoptedLog
	old         *oldRoot
	withheld    []string // serials, ascending
}

// Adopt reads an existing hierarchy and says what is wrong with it and what it
// must be told. It writes nothing: see Write.
func Adopt(o Options, now time.Time) (*Adoption, error) {
	a := &Adoption{options: o, now: now}
	in, err := readAdopted(o.Paths)
	if err != nil {
		return nil, err
	}
	if o.TrustedRoot != "" {
		if a.old, err = readOldRoot(o.TrustedRoot); err != nil {
			return nil, err
		}
		in.addAll(a.old)
		if err := a.lintOld(); err != nil {
			return nil, err
		}
	}
	if len(in.certificates) == 0 {
		return nil, fault.New(fault.Usage, "name the files or folders that hold the certificates", errors.New("there is no certificate to adopt"))
	}
	if err := a.group(in); err != nil {
		return nil, fault.New(fault.Verification, "bring every issuer's certificate; nothing was written", err)
	}
	if err := a.groupLogs(in); err != nil {
		return nil, fault.New(fault.Verification, "a key of another kind cannot be adopted as a checkpoint key; nothing was written", err)
	}
	a.checkSerials()
	a.checkToken()
	a.askURLs()
	a.askCutovers()
	if len(a.Questions) > 0 {
		return a, nil
	}
	if err := a.writePlan(); err != nil {
		return nil, err
	}
	return a, a.compareProfiles()
}

func (a *Adoption) defect(id, where, repair, format string, args ...any) {
	a.Defects = append(a.Defects, finding.Finding{ID: id, Severity: finding.Warning, Place: where, Text: fmt.Sprintf(format, args...), Repair: repair})
}

func (a *Adoption) ask(answer, format string, args ...any) {
	a.Questions = append(a.Questions, Asked{Text: fmt.Sprintf(format, args...), Answer: answer})
}

func (a *Adoption) found(format string, args ...any) {
	a.Found = append(a.Found, fmt.Sprintf(format, args...))
}
