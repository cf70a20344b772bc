package adopt

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/finding"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// Options are what an existing hierarchy is read from, and the answers that no
// file gives.
type Options struct {
	Paths       []string          // files and folders: certificates, keys, trusted roots, signing configs, a token's state
	TrustedRoot string            // the trusted_root.json in use; empty for one of those among the paths
	Token       *AdoptedToken     // the root's token, where it is at hand
	By          string            // who answers
	Answers     map[string]string // by Question.ID
	Rehearsal   string            // PEM of the attestation roots of virtual tokens; empty where tokens are real
}

// Log says whose a checkpoint key is.
type Log struct {
	Name, Kind, Origin, URL string
}

// AdoptedToken is what the root's token says of its slot 9c.
type AdoptedToken struct {
	Serial     uint32
	Key        *plan.TokenKey // nil where the firmware does not tell
	SPKISHA256 string
	State      *yubikey.State    // what it said, signed or not
	Slot       *x509.Certificate // attestation of the key; nil where there is none
	Device     *x509.Certificate
	Unattested string // why there is none
}

// Adoption is what adopting found and would write.
type Adoption struct {
	Defects   []finding.Finding `json:"defects"`             // repair is what adopting does about it, or what the next generation does
	Questions []Question        `json:"questions,omitempty"` // while there are any, nothing is written
	Found     []string          `json:"found"`               // a line each
	Changes   []Remade          `json:"trusted_root_changes,omitempty"`
	Plan      []byte            `json:"-"`

	options     Options
	now         time.Time
	authorities []*adoptedAuthority // issuers first
	logs        []*adoptedLog
	old         *oldRoot
	oldDefects  int // how many defects, the first ones, are those of old
	config      *oldConfig
	files       map[string]string // names of files by what they hold
	withheld    []withheld
	cutovers    map[string]fact // "fulcio.2": when the service used generation 2
	exceptions  []plan.Exception
	keys        string              // the answer about KMS keys
	asked       map[string]Question // every question, answered or not
	problems    []error             // answers that cannot be read
}

// Adopt reads an existing hierarchy and says what is wrong with it and what it
// must be told. It writes nothing: see Write.
func Adopt(o Options, now time.Time) (*Adoption, error) {
	a := &Adoption{options: o, now: now, cutovers: map[string]fact{}, asked: map[string]Question{}}
	in, err := readAdopted(o.Paths)
	if err != nil {
		return nil, err
	}
	if err := chooseFiles(a, in); err != nil {
		return nil, err
	}
	if len(in.certificates) == 0 {
		return nil, fault.New(fault.Usage, "name the files or folders that hold the certificates", errors.New("there is no certificate to adopt"))
	}
	if err := group(a, in); err != nil {
		return nil, fault.New(fault.Verification, "nothing was written", err)
	}
	if err := groupLogs(a, in); err != nil {
		return nil, fault.New(fault.Verification, "a key of another kind cannot be adopted as a checkpoint key; nothing was written", err)
	}
	a.files = in.names
	checkSerials(a)
	checkToken(a, in)
	askURLs(a)
	askCutovers(a)
	askKeys(a)
	if len(a.Questions) > 0 || len(a.problems) > 0 {
		err := a.answered()
		return a, err
	}
	if err := writePlan(a); err != nil {
		return nil, err
	}
	return a, compareProfiles(a)
}

// answered joins what is wrong with the answers.
func (a *Adoption) answered() error {
	if err := errors.Join(a.problems...); err != nil {
		return fault.New(fault.Usage, "correct the answers; nothing was written", err)
	}
	return nil
}

func (a *Adoption) defect(id, where, repair, format string, args ...any) {
	a.Defects = append(a.Defects, finding.Finding{ID: id, Severity: finding.Warning, Place: where, Text: fmt.Sprintf(format, args...), Repair: repair})
}

func (a *Adoption) found(format string, args ...any) {
	a.Found = append(a.Found, fmt.Sprintf(format, args...))
}
