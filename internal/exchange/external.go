package exchange

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// external holds certification requests that were made elsewhere, by the name
// that each has in the trust directory.
type external map[string]outsider

type outsider struct {
	authority string
	data      []byte
}

func (e external) authorities() []string {
	names := make([]string, 0, len(e))
	for _, o := range e {
		names = append(names, o.authority)
	}
	slices.Sort(names)
	return names
}

// external finds out whose each certification request is: that of the
// ceremony's authority which the plan calls external and whose pin is its key.
// A request for any other key is refused, whoever made it.
func externals(d *trustdir.Dir, ceremony string, csrs map[string][]byte) (external, error) {
	found := external{}
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(csrs)) {
		if err := match(d, ceremony, csrs[path], found); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	if len(errs) > 0 {
		return nil, fault.New(trustdir.Worst(errs), "", errors.Join(errs...))
	}
	return found, nil
}

func match(d *trustdir.Dir, ceremony string, data []byte, found external) error {
	csr, err := pki.ParseRequest(data)
	if err != nil {
		return fault.New(fault.Verification, "have the key's holder make the request again, as PKCS#10 in PEM or DER; nothing was written", err)
	}
	data = csr.PEM() // a request holds each in one form
	var pins []string
	for _, name := range slices.Sorted(maps.Keys(d.Plan.Authorities)) {
		for _, g := range d.Plan.Authorities[name].Generations {
			if g.Key != plan.ExternalKey || g.Ceremony != ceremony {
				continue
			}
			if !strings.EqualFold(g.SPKISHA256, csr.SPKISHA256) {
				pins = append(pins, fmt.Sprintf("%s for %s g%d", cmp.Or(trustdir.Groups(g.SPKISHA256), "nothing"), name, g.Generation))
				continue
			}
			at := trustdir.GenerationDir("authorities", name, g.Generation) + "/" + trustdir.CsrFile
			if _, twice := found[at]; twice {
				return fault.New(fault.Usage, "give one request for each key; nothing was written", fmt.Errorf("a second request for %s", name))
			}
			there, err := fs.ReadFile(d.FS(), at)
			if err == nil && !bytes.Equal(there, data) {
				return fault.New(fault.Usage, "leave --csr out to take the one that is there, or take that one away; nothing was written", fmt.Errorf("%s is there already, with another content", at))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			found[at] = outsider{authority: name, data: data}
			return nil
		}
	}
	if len(pins) == 0 {
		return fault.New(fault.Usage, "write key: external and the key's pin in the plan, or leave --csr out; nothing was written",
			fmt.Errorf("the plan has no authority in ceremony %s whose key is external", ceremony))
	}
	return fault.New(fault.Verification, "compare the key's fingerprint with its holder, over another way than the request came; nothing was written",
		fmt.Errorf("it is for the key %s, the plan pins %s", trustdir.Groups(csr.SPKISHA256), strings.Join(pins, ", ")))
}
