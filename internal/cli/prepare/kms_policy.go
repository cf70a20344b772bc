package prepare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
)

type kmsPolicyOptions struct {
	*cmdutil.Factory
	names  []string
	check  bool
	set    bool
	only   string
	role   string
	access accessFlags
}

// documents that --only can name
var policyDocuments = []string{"key", "signer", "reader", "maker"}

func newKMSPolicyCmd(f *cmdutil.Factory) *cobra.Command {
	o := &kmsPolicyOptions{Factory: f}
	cmd := cmdutil.CommandOfMany(o, runKMSPolicy, "policy [NAME...]",
		"Print the key policies and the callers' policies, or check or set the live ones",
		"Print, as JSON, the key policy of each key of the plan and the IAM policies that\n"+
			"callers need beside it in their own accounts: key, signer (a service, or the\n"+
			"admin host for an authority's request), reader (kms list and export) and maker\n"+
			"(the role of kms create). With --check the live policies and grants are read\n"+
			"and held against the same: who can sign that should not, who cannot and should,\n"+
			"and what could not be seen from here. With --set those that differ are replaced,\n"+
			"after they were shown.", 0, &o.names)
	cmd.Flags().BoolVar(&o.check, "check", false, "read the live policies and hold them against flags and plan; exit code 5 when one differs")
	cmd.Flags().BoolVar(&o.set, "set", false, "replace the live policies that differ, after asking")
	cmd.Flags().StringVar(&o.only, "only", "", "print one bare document: "+strings.Join(policyDocuments, ", "))
	keyAccountRole(cmd, &o.role)
	o.access.register(cmd)
	return cmd
}

// keyPolicies is what `kms policy` prints of one key.
type keyPolicies struct {
	kms.Planned
	KeyPolicy    json.RawMessage `json:"key_policy"`
	SignerPolicy json.RawMessage `json:"signer_policy,omitempty"` // once the plan names the key
}

type policies struct {
	Keys         []keyPolicies   `json:"keys"`
	ReaderPolicy json.RawMessage `json:"reader_policy,omitempty"`
	MakerPolicy  json.RawMessage `json:"maker_policy"`
}

func runKMSPolicy(ctx context.Context, o *kmsPolicyOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	keys, err := choose(d.Plan, o.names)
	if err != nil {
		return err
	}
	o.role = o.access.planned(d.Plan.KMS, o.role)
	access, err := o.access.resolve(d.Plan, o.role)
	if err != nil {
		return err
	}
	switch {
	case (o.check && o.set) || (o.only != "" && (o.check || o.set)):
		return cmdutil.Usage("give one of them", "--check, --set and --only exclude each other")
	case o.check:
		return o.checkLive(ctx, keys, access)
	case o.set:
		return o.setLive(ctx, keys, access)
	}
	if o.only != "" {
		return o.printOne(keys, access)
	}
	all := policies{}
	var arns []string
	var errs []error
	for _, k := range keys {
		one := keyPolicies{Planned: k}
		if one.KeyPolicy, err = kms.KeyPolicy(k.Role, k.Algorithm, access(k)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
			continue
		}
		if k.ARN == "" {
			o.Progress("%s: the plan names no key yet; its callers' policies wait for the ARN", k)
		} else if one.SignerPolicy, err = kms.ServicePolicy(k.Algorithm, k.ARN); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
		} else {
			arns = append(arns, k.ARN)
		}
		all.Keys = append(all.Keys, one)
	}
	if len(arns) > 0 {
		all.ReaderPolicy, err = kms.ReaderPolicy(arns...)
		errs = append(errs, err)
	}
	all.MakerPolicy, err = kms.MakerPolicy()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	return cmdutil.PrintJSON(o.Out, all)
}

// printOne prints a bare document, as the aws command takes it from a file.
func (o *kmsPolicyOptions) printOne(keys []kms.Planned, access func(kms.Planned) kms.Access) error {
	if !slices.Contains(policyDocuments, o.only) {
		return cmdutil.Usage("write one of "+strings.Join(policyDocuments, ", "), "--only %q is not a document", o.only)
	}
	var arns []string
	for _, k := range keys {
		if k.ARN != "" {
			arns = append(arns, k.ARN)
		}
	}
	var document []byte
	var err error
	switch {
	case o.only == "maker":
		document, err = kms.MakerPolicy()
	case o.only == "reader":
		document, err = kms.ReaderPolicy(arns...)
	case len(keys) != 1:
		return cmdutil.Usage("name one key, such as fulcio", "--only %s is the document of one key, and %d are meant", o.only, len(keys))
	case o.only == "signer":
		document, err = kms.ServicePolicy(keys[0].Algorithm, arns...)
	default:
		document, err = kms.KeyPolicy(keys[0].Role, keys[0].Algorithm, access(keys[0]))
	}
	if err != nil {
		return err
	}
	return cmdutil.PrintData(o.Out, append(document, '\n'))
}

// livePolicy is what --check prints of one key.
type livePolicy struct {
	kms.Planned
	kms.PolicyReport
	Error string `json:"error,omitempty"`
}

func (o *kmsPolicyOptions) checkLive(ctx context.Context, keys []kms.Planned, access func(kms.Planned) kms.Access) error {
	client, err := o.policyClient(ctx)
	if err != nil {
		return err
	}
	var all []livePolicy
	var wrong, asked []error
	for _, k := range keys {
		if k.ARN == "" {
			o.Progress("%s: the plan names no key yet", k)
			continue
		}
		report, err := client.CheckLivePolicy(ctx, k.ARN, k.Role, k.Algorithm, access(k))
		one := livePolicy{Planned: k, PolicyReport: report}
		if err != nil {
			one.Error = err.Error()
			asked = append(asked, fmt.Errorf("%s: %w", k, err))
		}
		for _, f := range report.Findings {
			wrong = append(wrong, fmt.Errorf("%s: %s", k, f))
		}
		all = append(all, one)
	}
	err = o.Print(all, textOf(all))
	if len(wrong) > 0 {
		asked = append(asked, fault.New(fault.Verification, "put the policy right in the key account: `trustroot kms policy NAME --only key` prints the one that was meant", errors.Join(wrong...)))
		return fault.New(fault.Verification, "", errors.Join(append(asked, err)...))
	}
	return errors.Join(append(asked, err)...)
}

// policyClient refuses to go on without the access that was meant.
func (o *kmsPolicyOptions) policyClient(ctx context.Context) (*kms.Client, error) {
	if len(o.access.admins) == 0 {
		return nil, cmdutil.Usage("name who administers the keys with --admin and who signs with --signer, or in the plan's kms section: a policy is held against what was meant", "nothing to hold the live policies against")
	}
	return cloud.KMS(ctx, o.Factory, o.role)
}

func textOf(all []livePolicy) string {
	var text strings.Builder
	for _, l := range all {
		verdict := "as meant"
		switch {
		case l.Error != "":
			verdict = "NOT READ"
		case len(l.Findings) > 0:
			verdict = "DIFFERS"
		}
		term.Fprintf(&text, "%s  %s\n  arn      %s\n", l.Planned, verdict, l.ARN)
		for _, f := range l.Findings {
			term.Fprintf(&text, "  finding  %s\n", f)
		}
		for _, u := range l.Unseen {
			term.Fprintf(&text, "  unseen   %s\n", u)
		}
	}
	return text.String()
}
