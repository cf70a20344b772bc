package kms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"text/template"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/templates"
)

// Access says who may do what with a key. Principals are ARNs of IAM roles
// and users, in any account; a role means every session of it. An account's
// root, a wildcard and a session are refused.
type Access struct {
	Account    string   // 12 digits, the account that holds the key
	Admins     []string // may change the policy, aliases, tags and the enabled state, and may not sign; one at least
	Services   []string // may sign, with the key's one algorithm
	Requesters []string // the admin host: may sign the certification request of an authority's key
	Auditors   []string // may read the public key, the policy and the grants
	Deleters   []string // may schedule the deletion, 30 days ahead; nobody if empty
}

// signers are the principals that may sign.
func (a Access) signers() []string { return union(a.Services, a.Requesters) }

func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// check collects what is wrong with the access asked for.
func (a Access) check(role Role) error {
	var errs []error
	if !plan.IsAccount(a.Account) {
		errs = append(errs, fmt.Errorf("key account %q: write its 12 digits", a.Account))
	}
	if len(a.Admins) == 0 {
		errs = append(errs, errors.New("no administrator: the key's policy could never be changed"))
	}
	if role != RoleAuthority && len(a.Requesters) > 0 {
		errs = append(errs, fmt.Errorf("only an authority's key signs a certification request, not one for %s", role))
	}
	for _, p := range union(a.Admins, a.Services, a.Requesters, a.Auditors, a.Deleters) {
		if !plan.IsPrincipal(p) {
			errs = append(errs, fmt.Errorf("principal %q: write the ARN of a role or user, arn:aws:iam::ACCOUNT:role/NAME", p))
		}
	}
	for _, p := range a.Admins {
		if slices.Contains(a.signers(), p) {
			errs = append(errs, fmt.Errorf("principal %s: an administrator may not sign too", p))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "name the principals by their IAM ARNs, administrators apart from signers",
		fmt.Errorf("key policy: %w", errors.Join(errs...)))
}

// KeyPolicy renders the key policy for a key of a role: administrators may not
// sign, signers may sign with the curve's one algorithm and may do nothing
// else, everyone else is denied signing and grants by name, and a deletion
// takes 30 days. The account is not trusted as a whole; only its root user can
// recover a policy whose administrators are gone.
func KeyPolicy(role Role, algorithm string, a Access) ([]byte, error) {
	if err := errors.Join(a.check(role), Planned{Role: role, Algorithm: algorithm}.check()); err != nil {
		return nil, err
	}
	signers := a.signers()
	return render("kms/key-policy.json.tmpl", map[string]any{
		"ID": "trustroot-" + string(role), "Account": a.Account, "AccountRoot": rootOf(a.Account),
		"Admins": a.Admins, "Signers": signers, "Readers": union(signers, a.Auditors), "Auditors": a.Auditors,
		"Deleters": a.Deleters, "SigningAlgorithm": schemes[algorithm].algorithm,
	})
}

func rootOf(account string) string { return "arn:aws:iam::" + account + ":root" }

// check refuses an algorithm that the role cannot use.
func (p Planned) check() error {
	if slices.Contains(roleAlgorithms[p.Role], p.Algorithm) {
		return nil
	}
	return fault.New(fault.Usage, "", fmt.Errorf("a key for %q cannot be %q", p.Role, p.Algorithm))
}

// ServicePolicy renders the IAM policy that a service, or the admin host for
// an authority's request, needs in its own account beside the key policy: to
// read the public key and to sign with the one algorithm.
func ServicePolicy(algorithm string, keyARNs ...string) ([]byte, error) {
	sch, ok := schemes[algorithm]
	if !ok {
		return nil, fault.New(fault.Usage, "", fmt.Errorf("algorithm %q is not known", algorithm))
	}
	return callerPolicy("kms/service-policy.json.tmpl", string(sch.algorithm), keyARNs)
}

// ReaderPolicy renders the IAM policy for `trustroot kms list` and `export`:
// to read public keys and nothing else.
func ReaderPolicy(keyARNs ...string) ([]byte, error) {
	return callerPolicy("kms/reader-policy.json.tmpl", "", keyARNs)
}

// MakerPolicy renders the IAM policy of the role in the key account that
// `trustroot kms create` and `policy` assume. It does not sign.
func MakerPolicy() ([]byte, error) { return render("kms/maker-policy.json.tmpl", nil) }

func callerPolicy(name, algorithm string, keyARNs []string) ([]byte, error) {
	for _, arn := range keyARNs {
		// an alias would not do: IAM compares the key's own ARN.
		if r, err := ParseRef(arn); err != nil || !r.IsARN() || r.IsAlias() {
			return nil, fault.New(fault.Usage, "name keys by their ARNs in a policy", fmt.Errorf("caller policy: %q is not a key ARN", clip(arn)))
		}
	}
	if len(keyARNs) == 0 {
		return nil, fault.New(fault.Usage, "name the keys by their ARNs", errors.New("caller policy: no key"))
	}
	return render(name, map[string]any{"Keys": keyARNs, "SigningAlgorithm": algorithm})
}

// render executes an embedded template, whose every value is written by the
// json function, and checks that the result is a policy document.
func render(name string, data any) ([]byte, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	}}).ParseFS(templates.FS, name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	var out, indented bytes.Buffer
	if err := t.ExecuteTemplate(&out, name[len("kms/"):], data); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	if _, err := iampolicy.Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return indented.Bytes(), nil
}
