package ceremony

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// day is one run of a ceremony, from the first question to the record.
type day struct {
	Options
	name    string // of the ceremony, as in the plan
	plan    plan.Ceremony
	work    string // the unfinished folder, which holds the journal
	final   string // the record
	journal *journal.Journal
	device  Device
	root    *x509.Certificate // once it exists
	pub     crypto.PublicKey  // of the root key
	files   map[string][]byte // attestations to seal, by name
	record  crypto.PublicKey  // of the record key
	issued  []issued
}

// Run holds the ceremony of a request on a token and returns the path of the
// record: it makes the root key where the request holds no root certificate,
// or finds the one that it holds, and signs what the request asks for. Stopped
// or cut at any instant, the same call resumes.
func Run(ctx context.Context, o Options) (path string, err error) {
	name := o.Request.Manifest.Ceremony
	c := o.Request.Plan.Ceremonies[name]
	d := &day{Options: o, name: name, plan: c, files: map[string][]byte{}}
	d.final = filepath.Join(o.Out, c.Day+"-"+name)
	d.work = d.final + ".unfinished"
	if o.Serial != c.Token {
		return "", fault.New(fault.Usage, "put in the token that the plan names and give its serial number",
			fmt.Errorf("--serial is %d, the plan's ceremony %s is for token %d", o.Serial, name, c.Token))
	}
	if _, err := os.Stat(d.final); err == nil {
		return "", fault.New(fault.Usage, "a ceremony happens once: check that record with `trustroot ceremony verify "+d.final+"`",
			fmt.Errorf("%s exists already", d.final))
	}
	exceptions, err := o.Host.check(c, o.Now, o.AllowNetwork)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(d.work); errors.Is(err, os.ErrNotExist) {
		if err := early(ctx, d); err != nil {
			return "", err
		}
	}
	if err := open(d); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, closeDay(d)) }()
	if err := noteHost(d, exceptions); err != nil {
		return "", err
	}
	return d.final, do(ctx, d)
}

func stopped() error {
	return fault.New(fault.Stopped, "run the same command again to go on", errors.New("interrupted"))
}
