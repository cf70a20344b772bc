package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/publish"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
)

type trustedRootCheckOptions struct {
	*cmdutil.Factory
	files   []string // none or one
	bundles []string
	key     string
	all     bool
}

func newTrustedRootCheckCmd(f *cmdutil.Factory) *cobra.Command {
	o := &trustedRootCheckOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runTrustedRootCheck, "check [FILE]", "Verify archived bundles of every generation under a file",
		"Verify archived bundles of every generation under a file, and see each fail\n"+
			"without its generation: the gate before any publication. Without FILE it is\n"+
			"the trust directory's own, without --bundle all of "+trustdir.BundlesDir+"/. A bundle without a\n"+
			"certificate is judged with the ledger's application keys, or with --key.\n"+
			"sigstore-go judges, and cosign "+publish.CosignVersion+" where it is installed.", 0, &o.files)
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.Flags().StringArrayVar(&o.bundles, "bundle", nil, "a bundle to verify; may be given several times")
	cmd.Flags().StringVar(&o.key, "key", "", "public key in PEM that signed the bundles, for those without a certificate")
	cmd.Flags().BoolVar(&o.all, "all", false, "an entry that no bundle needs is an error")
	return cmd
}

// checkView is the JSON of a check.
type checkView struct {
	judge.Coverage
	Cosign string `json:"cosign"` // what it was asked, or why it was not
}

func runTrustedRootCheck(ctx context.Context, o *trustedRootCheckOptions) error {
	data, err := cmdutil.ReadFile(o.Given(o.files))
	if err != nil {
		return err
	}
	bundles, err := o.read()
	if err != nil {
		return err
	}
	if o.key != "" {
		key, err := cmdutil.ReadFile(o.key)
		if err != nil {
			return err
		}
		for i, b := range bundles {
			if judge.ByKey(b) {
				bundles[i].Key = key
			}
		}
	}
	coverage, refused := judge.CheckBundles(data, bundles...)
	if len(coverage.Bundles) < len(bundles) {
		return refused // the file itself cannot be read
	}
	view := checkView{Coverage: coverage}
	view.Cosign, err = askCosign(ctx, data, bundles, coverage)
	refused = errors.Join(refused, err)
	if o.all && len(coverage.Unproven) > 0 {
		refused = errors.Join(refused, fmt.Errorf("no bundle needs %s", strings.Join(coverage.Unproven, ", ")))
	}
	if err := o.print(view); err != nil {
		return err
	}
	if refused != nil {
		return fault.New(fault.Verification, "do not publish this file: what was signed before would no longer verify, or was never tried", refused)
	}
	return nil
}

// read returns the bundles that were named, or the archived ones.
func (o *trustedRootCheckOptions) read() ([]judge.Bundle, error) {
	if len(o.bundles) == 0 {
		d, err := trustdir.Open(o.Dir)
		if err != nil {
			return nil, err
		}
		bundles, err := publish.Bundles(d)
		if err == nil && len(bundles) == 0 {
			err = cmdutil.Usage("archive a bundle of every generation in a folder of "+trustdir.BundlesDir+"/, or name one with --bundle", "there is no bundle to check with")
		}
		return bundles, err
	}
	var keys [][]byte
	if d, err := trustdir.Open(o.Dir); err == nil { // without a trust directory no application is known
		if keys, err = publish.AppKeys(d); err != nil {
			return nil, err
		}
	}
	var out []judge.Bundle
	for _, path := range o.bundles {
		b, err := publish.ReadBundle(path)
		if err != nil {
			return nil, err
		}
		b.Key = judge.KeyOf(b, keys...)
		out = append(out, b)
	}
	return out, nil
}

// askCosign asks cosign about the bundles that sigstore-go accepts, and says
// what it was asked.
func askCosign(ctx context.Context, data []byte, bundles []judge.Bundle, coverage judge.Coverage) (string, error) {
	cosign, err := publish.FindCosign(ctx)
	if errors.Is(err, publish.ErrNoCosign) {
		return err.Error() + ": sigstore-go judged alone", nil
	}
	if err != nil {
		return "", err
	}
	asked := 0
	var problems []error
	for i, b := range bundles {
		if coverage.Bundles[i].Error != "" {
			continue
		}
		err := cosign.Check(ctx, data, b, coverage.Bundles[i].Needs)
		if errors.Is(err, judge.ErrNotBlob) {
			continue
		}
		asked++
		problems = append(problems, err)
	}
	return fmt.Sprintf("cosign %s was asked about %d of %s", publish.CosignVersion, asked, cmdutil.Count(len(bundles), "bundle")), errors.Join(problems...)
}

func (o *trustedRootCheckOptions) print(view checkView) error {
	if o.JSON {
		return cmdutil.PrintJSON(o.Out, view)
	}
	var text strings.Builder
	for _, b := range view.Bundles {
		if b.Error != "" {
			term.Fprintf(&text, "FAIL  %s: %s\n", b.Name, b.Error)
			continue
		}
		term.Fprintf(&text, "ok    %s: verifies, and fails without %s\n", b.Name, strings.Join(b.Needs, ", "))
	}
	for _, path := range view.Unproven {
		term.Fprintf(&text, "      no bundle needs %s\n", path)
	}
	o.Progress("%s", view.Cosign)
	return cmdutil.PrintText(o.Out, text.String())
}
