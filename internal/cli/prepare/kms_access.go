package prepare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// accessFlags say who may do what with the plan's keys.
type accessFlags struct {
	account    string
	admins     []string
	signers    []string // "fulcio=arn:aws:iam::…", "logs/rekor=…", "online_key=…"
	requesters []string
	auditors   []string
	deleters   []string
}

func (a *accessFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&a.account, "key-account", "", "12 digits of the account that holds the keys (default: the role's or the key's)")
	flags.StringArrayVar(&a.admins, "admin", nil, "ARN of a role or user that administers keys and may not sign (repeatable)")
	flags.StringArrayVar(&a.signers, "signer", nil, "NAME=ARN of the service that signs with the key NAME of the plan (repeatable)")
	flags.StringArrayVar(&a.requesters, "requester", nil, "ARN of the admin host, which reads every key and signs the authorities' certification requests (repeatable)")
	flags.StringArrayVar(&a.auditors, "auditor", nil, "ARN that may read public keys, policies and grants (repeatable)")
	flags.StringArrayVar(&a.deleters, "deleter", nil, "ARN that may schedule a deletion, 30 days ahead (repeatable)")
}

// planned takes from the plan what no flag names, and returns the role to
// assume in the key account.
func (a *accessFlags) planned(k *plan.KMS, role string) string {
	if k == nil {
		return role
	}
	for _, f := range []struct {
		flag *[]string
		plan []string
	}{{&a.admins, k.Admins}, {&a.signers, k.Signers}, {&a.requesters, k.Requesters}, {&a.auditors, k.Auditors}, {&a.deleters, k.Deleters}} {
		if len(*f.flag) == 0 {
			*f.flag = f.plan
		}
	}
	if a.account == "" {
		a.account = k.Account
	}
	return cmp.Or(role, k.Role)
}

// checkTime bounds the look at all policies, so that a request can be made
// where KMS is out of reach.
const checkTime = time.Minute

// checkMeant holds the live policies of the keys that certificates are still
// to be asked for against the plan's kms section. A policy that may not be read
// from here is named and left to `kms policy --check`.
func checkMeant(ctx context.Context, f *cmdutil.Factory, d *trustdir.Dir) error {
	var a accessFlags
	role := a.planned(d.Plan.KMS, "")
	if len(a.admins) == 0 {
		return nil
	}
	access, err := a.resolve(d.Plan, role)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	client, err := cloud.KMS(ctx, f, role)
	if err != nil {
		f.Progress("the keys' policies were not checked: %v", err)
		return nil
	}
	var wrong []error
	for _, k := range kms.Keys(d.Plan) {
		if k.Role != kms.RoleAuthority || k.ARN == "" || k.Generation <= len(d.State.Authorities[k.Name]) {
			continue
		}
		report, err := client.CheckLivePolicy(ctx, k.ARN, k.Role, k.Algorithm, access(k))
		if err != nil {
			f.Progress("%s: its key policy was not checked: %v", k, err)
		}
		for _, finding := range report.Findings {
			wrong = append(wrong, fmt.Errorf("%s: %s", k, finding))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fault.New(fault.Verification, "find out who changed the policy, and put it right with `trustroot kms policy --set`, or the plan's kms section; nothing was written", errors.Join(wrong...))
}

// given reports whether any access was named.
func (a *accessFlags) given() bool {
	return len(a.admins)+len(a.signers)+len(a.requesters)+len(a.auditors)+len(a.deleters) > 0
}

// resolve checks the flags against the plan and returns what gives each key
// its access. role is the one to assume in the key account, or empty.
func (a *accessFlags) resolve(p *plan.Plan, role string) (func(kms.Planned) kms.Access, error) {
	services := map[string][]string{} // by Planned.String
	var errs []error
	for _, s := range a.signers {
		name, arn, ok := strings.Cut(s, "=")
		found := false
		for _, k := range kms.Keys(p) {
			if ok && meant(k, name) {
				services[k.String()] = append(services[k.String()], arn)
				found = true
			}
		}
		if !found {
			errs = append(errs, fmt.Errorf("--signer %q names no key of the plan", s))
		}
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Usage, "write --signer NAME=ARN, or kms.signers in the plan, with a NAME such as fulcio, logs/rekor or online_key", errors.Join(errs...))
	}
	return func(k kms.Planned) kms.Access {
		access := kms.Access{Account: a.account, Admins: a.admins, Services: services[k.String()], Auditors: a.auditors, Deleters: a.deleters}
		if k.Role == kms.RoleAuthority {
			access.Requesters = a.requesters
		} else {
			// the admin host lists and exports these keys and signs nothing with them
			access.Auditors = slices.Concat(a.auditors, a.requesters)
		}
		for _, arn := range []string{role, k.ARN} {
			if access.Account == "" {
				access.Account = kms.AccountOf(arn)
			}
		}
		return access
	}, nil
}

// meant reports whether a name, "fulcio" or "authorities/fulcio", means a key.
func meant(k kms.Planned, name string) bool {
	return k.Name == name || k.Kind+"/"+k.Name == name
}

// choose returns the planned keys that names mean, all without names.
func choose(p *plan.Plan, names []string) ([]kms.Planned, error) {
	all := kms.Keys(p)
	if len(names) == 0 {
		return all, nil
	}
	var keys []kms.Planned
	var errs []error
	for _, name := range names {
		of := slices.DeleteFunc(slices.Clone(all), func(k kms.Planned) bool { return !meant(k, name) })
		if len(of) == 0 {
			errs = append(errs, fmt.Errorf("the plan has no key %s in KMS", name))
		}
		keys = append(keys, of...)
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.Usage, "name keys of the plan, such as fulcio, logs/rekor or online_key", errors.Join(errs...))
	}
	return keys, nil
}
