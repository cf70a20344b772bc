package rehearsal

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/draft"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// rehearsalIssuer vouches for the signer of a rehearsal's bundles.
const rehearsalIssuer = "https://login.rehearsal.invalid"

// SignBundle signs a bundle with the keys of a rehearsal in place of the
// services that do not run yet, archives it under the generations that it
// proves, and returns its path. Another one of the same generations gets a
// folder of its own only where it is asked for. Anywhere but in a rehearsal it refuses.
func SignBundle(d *trustdir.Dir, ctx context.Context, client *kms.Client, now time.Time, another bool) (string, error) {
	if !d.State.Rehearsal {
		return "", fault.New(fault.Verification, "archive a bundle that the running services signed: copy it into a folder of bundles/",
			errors.New("this is not a rehearsal, and its keys sign nothing but what their services are asked; nothing was changed"))
	}
	s, generations, err := rehearsedServices(d, ctx, client)
	if err != nil {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make the signer's key: %w", err)
	}
	artifact := []byte("rehearsed " + strings.Join(generations, ", ") + "\n")
	bundle, err := s.Sign(world.Signature{
		Artifact: artifact, Identity: "https://ci.rehearsal.invalid/build", Issuer: rehearsalIssuer, Key: key, At: now,
	})
	if err != nil {
		return "", fmt.Errorf("sign a bundle: %w", err)
	}
	folder := trustdir.BundlesDir + "/" + strings.Join(generations, "_")
	first := folder
	for i := 2; ; i++ {
		if _, err := os.Stat(d.Join(folder)); err != nil || !another {
			break
		}
		folder = fmt.Sprintf("%s-%d", first, i)
	}
	if _, err := os.Stat(d.Join(folder)); err == nil {
		return "", fault.New(fault.Usage, "one bundle a set of generations is enough; add --another for one more", fmt.Errorf("%s exists; nothing was changed", folder))
	}
	path := folder + "/artifact.sigstore.json"
	return path, d.WriteNew(trustdir.File{Name: folder + "/artifact", Data: artifact}, trustdir.File{Name: path, Data: append(bundle, '\n')})
}

// rehearsedServices returns the newest generation of every service, and their
// names: "fulcio-g1".
func rehearsedServices(d *trustdir.Dir, ctx context.Context, client *kms.Client) (*world.Services, []string, error) {
	s := &world.Services{}
	var names []string
	known, err := draft.Certificates(d)
	errs := []error{err}
	take := func(name string, g *ledger.Generation, generations []plan.Generation, key *crypto.Signer) {
		if *key != nil {
			return // one of a kind is enough for a bundle
		}
		if g.Number > len(generations) {
			errs = append(errs, fmt.Errorf("%s: the plan does not have generation %d", name, g.Number))
			return
		}
		k, err := client.Key(ctx, generations[g.Number-1].Key)
		if err != nil {
			errs = append(errs, err)
			return
		}
		*key = client.Signer(ctx, k)
		names = append(names, fmt.Sprintf("%s-g%d", name, g.Number))
	}
	for _, name := range slices.Sorted(maps.Keys(d.State.Authorities)) {
		g, a := ledger.Newest(d.State.Authorities[name]), d.Plan.Authorities[name]
		switch g.Certificate.Profile {
		case "fulcio-ca":
			take(name, g, a.Generations, &s.FulcioKey)
			s.Fulcio = cmp.Or(s.Fulcio, known[name][g.Number-1])
		case "tsa", "tsa-leaf":
			take(name, g, a.Generations, &s.TSAKey)
			s.TSA = cmp.Or(s.TSA, known[name][g.Number-1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.State.Logs)) {
		g, l := ledger.Newest(d.State.Logs[name]), d.Plan.Logs[name]
		switch g.Log.Kind {
		case plan.RekorV2:
			take(name, g, l.Generations, &s.RekorKey)
			s.RekorOrigin = g.Log.Origin
		case plan.StaticCT:
			take(name, g, l.Generations, &s.CTKey)
		}
	}
	slices.Sort(names)
	return s, names, errors.Join(errs...)
}
