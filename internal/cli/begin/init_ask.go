package begin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/cli/cmdutil"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// interview asks for a first plan. It ends with the first answer that failed.
type interview struct {
	*initOptions
	person cmdutil.Asker
	err    error
}

// ask asks again where take has an objection.
func (i *interview) ask(text, standard string, take func(answer string) error) {
	if i.err != nil {
		return
	}
	i.err = term.Again(func(slip error) { i.Operator.Notice("That is not an answer: " + slip.Error() + ".") }, func() error {
		answer, err := i.person.Ask(text, standard)
		if err != nil {
			return err
		}
		if err := take(strings.TrimSpace(answer)); err != nil {
			return term.Slip(fault.New(fault.Usage, "run the command again; nothing was written", err))
		}
		return nil
	})
}

// name takes an answer that is not empty.
func name(into *string) func(string) error {
	return func(answer string) error {
		if *into = answer; answer == "" {
			return errors.New("it is empty")
		}
		return nil
	}
}

func serialOf(text string, into *uint32) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not the serial number of a YubiKey", text)
	}
	*into = uint32(n)
	return nil
}

// plan asks for what an example does not know.
func (i *interview) plan(ctx context.Context) plan.Example {
	var e plan.Example
	plugged := []string{""}
	if found, err := yubikey.List(ctx); err == nil { // without a reader the number is typed
		plugged = make([]string, 0, len(found)+1)
		for _, info := range found {
			plugged = append(plugged, fmt.Sprint(info.Identity.Serial))
		}
		plugged = append(plugged, "")
	}
	i.ask("Organization, as it stands in every subject:", "", name(&e.Organization))
	i.ask("Domain under which the services run:", "", func(s string) error {
		if u, err := url.Parse("https://" + s); err != nil || u.Host != s || s == "" {
			return fmt.Errorf("%q is not a domain", s)
		}
		e.Domain = s
		return nil
	})
	i.ask(strings.TrimRight("Serial number of the root's YubiKey. Plugged in here: "+strings.Join(plugged, " "), " "), plugged[0], func(s string) error { return serialOf(s, &e.Token) })
	i.ask("Who signs what verifiers fetch, each on a YubiKey of their own: NAME SERIAL, NAME SERIAL, ...", "", func(s string) error {
		e.Holders = nil
		for _, one := range strings.Split(s, ",") {
			f := strings.Fields(one)
			if len(f) != 2 {
				return fmt.Errorf("%q is not a name and a serial number", strings.TrimSpace(one))
			}
			h := plan.ExampleHolder{Name: f[0]}
			if err := serialOf(f[1], &h.Token); err != nil {
				return err
			}
			if h.Token == e.Token {
				return errors.New("the root's token signs nothing else")
			}
			e.Holders = append(e.Holders, h)
		}
		return nil
	})
	i.ask("How many of them must sign?", strconv.Itoa(len(e.Holders)/2+1), func(s string) (err error) {
		if e.Threshold, err = strconv.Atoi(s); err != nil || e.Threshold < 1 || e.Threshold > len(e.Holders) {
			return fmt.Errorf("%q is not a number from 1 to %d", s, len(e.Holders))
		}
		return nil
	})
	if e.Threshold == 1 && i.err == nil {
		i.ask("One signature alone decides. The plan has to say why:", "", name(&e.SingleHolder))
	}
	i.ask("Who witnesses the ceremony? Names with commas between them, or none:", "none", func(s string) error {
		e.Witnesses = nil
		for _, one := range strings.Split(s, ",") {
			if one = strings.TrimSpace(one); one != "" && one != "none" {
				e.Witnesses = append(e.Witnesses, one)
			}
		}
		return nil
	})
	today := i.Now.UTC().Format(time.DateOnly)
	i.ask("Day at the root's token, UTC:", today, func(s string) (err error) {
		if e.NotBefore, err = time.Parse(time.DateOnly, s); err != nil || s < today {
			return fmt.Errorf("%q is not a day from %s on", s, today)
		}
		return nil
	})
	i.ask("Identity provider whose word Fulcio takes, by its issuer URL:", "https://login."+e.Domain, func(s string) error {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is not an https URL", s)
		}
		e.OIDC = s
		return nil
	})
	e.KMS = i.kms()
	e.Name = e.Organization
	return e
}

// kms asks for the account of the keys and who may do what with them; nil
// leaves both to the plan's comments.
func (i *interview) kms() *plan.KMS {
	k := &plan.KMS{}
	i.ask("AWS account that holds the keys, 12 digits, or none to fill it in later:", "none", func(s string) error {
		if s != "none" && !plan.IsAccount(s) {
			return fmt.Errorf("%q is not the number of an account", s)
		}
		k.Account = s
		return nil
	})
	if k.Account == "none" || i.err != nil {
		return nil
	}
	principal := func(into *string) func(string) error {
		return func(s string) error {
			if *into = s; !plan.IsPrincipal(s) {
				return fmt.Errorf("%q is not like arn:aws:iam::%s:role/NAME", s, k.Account)
			}
			return nil
		}
	}
	k.Requesters, k.Auditors = make([]string, 1), make([]string, 1)
	i.ask("Role that makes the keys and may not sign, by ARN:", "", principal(&k.Role))
	i.ask("Role of the admin host, which has requests signed, by ARN:", "", principal(&k.Requesters[0]))
	i.ask("Role of the second person, who only reads, by ARN:", "", principal(&k.Auditors[0]))
	i.ask("Services that sign, NAME=ARN with commas between, or none:", "none", func(s string) error {
		k.Signers = nil
		for _, one := range strings.Split(strings.TrimPrefix(s, "none"), ",") {
			service, arn, _ := strings.Cut(strings.TrimSpace(one), "=")
			if s != "none" && (service == "" || !plan.IsPrincipal(arn)) {
				return fmt.Errorf("%q is not like fulcio=arn:aws:iam::%s:role/NAME", strings.TrimSpace(one), k.Account)
			}
			k.Signers = append(k.Signers, strings.TrimSpace(one))
		}
		return nil
	})
	return k
}

// asks writes plan and ledger from answers.
func (o *initOptions) asks(ctx context.Context, person cmdutil.Asker) error {
	i := &interview{initOptions: o, person: person}
	e := i.plan(ctx)
	if i.err != nil {
		return i.err
	}
	file := filepath.Join(o.Dir, trustdir.PlanFile)
	text, err := e.Render()
	if err == nil {
		_, err = plan.Parse(file, text)
	}
	if err != nil {
		return fault.New(fault.Usage, "answer otherwise, or begin with --organization and --domain and fill the plan in by hand; nothing was written", err)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("make the trust directory: %w", err)
	}
	if err := durable.Write(file, text, 0o644); err != nil {
		return err
	}
	o.Progress("wrote %s: its comments name what was not asked, such as the key policies in KMS; have it reviewed", file)
	return runInit(ctx, o)
}
