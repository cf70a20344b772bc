package prepare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/cli/cloud"
	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

type kmsCreateOptions struct {
	*cmdutil.Factory
	role   string
	prefix string
	write  bool
	access accessFlags
}

func newKMSCreateCmd(f *cmdutil.Factory) *cobra.Command {
	o := &kmsCreateOptions{Factory: f}
	cmd := cmdutil.Command(o, runKMSCreate, "create",
		"Make the keys of the plan that name no ARN yet, and print their pins",
		"Make the keys of the plan that name no ARN yet, and print their pins.\n\n"+
			"A key that an earlier run made is found again by its alias or its tag and not\n"+
			"made twice; its policy is left alone. With --admin, or the plan's kms section,\n"+
			"each key gets a policy of its own; without, KMS's default, which trusts the whole account.")
	keyAccountRole(cmd, &o.role)
	cmd.Flags().StringVar(&o.prefix, "alias-prefix", "", "first part of the new keys' aliases (default: the plan's, or trustroot/ and the start of the trust directory's ID)")
	cmd.Flags().BoolVar(&o.write, "write", false, "write the ARNs into the plan; the pins are for a second person: trustroot kms list --pin --write")
	o.access.register(cmd)
	return cmd
}

func runKMSCreate(ctx context.Context, o *kmsCreateOptions) error {
	d, err := trustdir.Open(o.Dir)
	if err != nil {
		return err
	}
	steps, err := o.steps(d)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		o.Progress("every key of the plan names its ARN; nothing was made")
		return nil
	}
	client, err := cloud.KMS(ctx, o.Factory, o.role)
	if err != nil {
		return err
	}
	made, left, err := client.Existing(ctx, steps)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		o.Progress("every key was made before; nothing was made now")
		return errors.Join(o.writeMade(d, made), o.printMade(steps, made))
	}
	for _, m := range made {
		o.Progress("there already: %s %s", m.Planned, m.KeyARN)
	}
	where, err := o.where(ctx, client, d.Plan)
	if err != nil {
		return err
	}
	if err := o.ask(where, left); err != nil {
		return err
	}
	fresh, err := client.CreateMissing(ctx, left)
	made = append(made, fresh...)
	return errors.Join(o.writeMade(d, made), o.printMade(steps, made), err)
}

// writeMade writes the ARNs into the plan. The pins are not the one's to write
// who made the keys.
func (o *kmsCreateOptions) writeMade(d *trustdir.Dir, made []kms.Made) error {
	if !o.write {
		return nil
	}
	pins := map[kms.Planned]plan.Pin{}
	for _, m := range made {
		pins[m.Planned] = plan.Pin{ARN: m.KeyARN}
	}
	return writePins(o.Factory, d, pins)
}

// steps are the keys to make, each with its policy where one was asked for.
func (o *kmsCreateOptions) steps(d *trustdir.Dir) ([]kms.Step, error) {
	o.role = o.access.planned(d.Plan.KMS, o.role)
	prefix := cmp.Or(o.prefix, "trustroot/"+d.ID()[:8])
	if k := d.Plan.KMS; k != nil {
		prefix = cmp.Or(o.prefix, k.AliasPrefix, prefix)
	}
	m := kms.MissingOptions{Prefix: prefix, Directory: d.ID(), Done: func(p kms.Planned) bool {
		known := map[string]int{
			"authorities": len(d.State.Authorities[p.Name]), "logs": len(d.State.Logs[p.Name]), "apps": len(d.State.Apps[p.Name]),
		}
		return p.Generation <= known[p.Kind]
	}}
	if o.access.given() {
		access, err := o.access.resolve(d.Plan, o.role)
		if err != nil {
			return nil, err
		}
		if o.role != "" && !slices.Contains(o.access.admins, o.role) {
			return nil, cmdutil.Usage("add --admin "+o.role+": KMS refuses a policy under which whoever sets it could not change it",
				"the role %s would make keys that it may not administer; nothing was made", o.role)
		}
		m.Policy = func(p kms.Planned) ([]byte, error) { return kms.KeyPolicy(p.Role, p.Algorithm, access(p)) }
	}
	return kms.Missing(d.Plan, m)
}

// where names the account in which the keys would be made, and refuses one in
// which none of the plan's other keys is.
func (o *kmsCreateOptions) where(ctx context.Context, client *kms.Client, p *plan.Plan) (string, error) {
	who := o.role
	if who == "" {
		var err error
		if who, err = client.Caller(ctx); err != nil {
			return "in the caller's own account, which STS does not name", nil //nolint:nilerr // said in the question
		}
	}
	account := kms.AccountOf(who)
	var others []string
	for _, k := range kms.Keys(p) {
		if k.ARN != "" {
			others = append(others, kms.AccountOf(k.ARN))
		}
	}
	if len(others) > 0 && !slices.Contains(others, account) {
		return "", cmdutil.Usage("give a role in account "+others[0]+" with --key-account-role, or use credentials of that account",
			"wrong account: the plan's other keys are in %s, %s is in %s; nothing was made", others[0], who, account)
	}
	return fmt.Sprintf("in account %s, as %s", account, who), nil
}

// ask shows every key and every policy before anything is made.
func (o *kmsCreateOptions) ask(where string, steps []kms.Step) error {
	text := fmt.Sprintf("In KMS, %s:\n", where)
	shown := map[string]string{}
	for _, s := range steps {
		text += "  " + s.String() + "\n"
		if s.Key.Policy == "" {
			continue
		}
		if first, again := shown[s.Key.Policy]; again {
			o.Progress("the key policy of %s is that of %s", s.Planned, first)
			continue
		}
		o.Progress("the key policy of %s:\n%s", s.Planned, term.Text(s.Key.Policy))
		shown[s.Key.Policy] = s.Planned.String()
	}
	return o.Operator.Confirm(term.Question{
		Text: strings.TrimSpace(text),
		Yes:  "the keys are made; their ARNs and pins are printed for the plan",
		No:   "nothing is made",
	})
}

// printMade prints the plan's lines of the keys that are there, in the plan's
// order.
func (o *kmsCreateOptions) printMade(steps []kms.Step, made []kms.Made) error {
	order := func(m kms.Made) int {
		return slices.IndexFunc(steps, func(s kms.Step) bool { return s.Planned == m.Planned })
	}
	slices.SortStableFunc(made, func(a, b kms.Made) int { return order(a) - order(b) })
	if o.JSON {
		if made == nil {
			made = []kms.Made{}
		}
		return cmdutil.PrintJSON(o.Out, made)
	}
	if o.write {
		return nil
	}
	var text strings.Builder
	for _, m := range made {
		writePin(&text, m.Row)
	}
	return cmdutil.PrintText(o.Out, text.String())
}
