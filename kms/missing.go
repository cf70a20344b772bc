package kms

import (
	"context"
	"errors"
	"fmt"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// MissingOptions say how the missing keys of a plan are made.
type MissingOptions struct {
	Prefix string // of the aliases: "alias/PREFIX/logs/rekor/g1"; empty: "trustroot"
	// Policy renders the key policy for a key; nil: KMS's default, which trusts
	// the account as a whole.
	Policy func(Planned) ([]byte, error)
	// Directory says which trust directory the keys are for; empty: none is named.
	Directory string
	// Done reports whether a generation has its certificate or stands in the
	// ledger already, whatever the plan says of its key; nil: none has.
	Done func(Planned) bool
}

// Step is one key to make, as it is shown before anything is done.
type Step struct {
	Planned
	Key CreateOptions

	found bool // Existing saw the key, without its alias
}

// String says in one line what will be done.
func (s Step) String() string {
	policy := "with its own key policy"
	if s.Key.Policy == "" {
		policy = "with KMS's default policy, which trusts the whole account"
	}
	if s.found {
		return fmt.Sprintf("give the key that an earlier run made for %s its alias %s", s.Planned, s.Key.Alias)
	}
	return fmt.Sprintf("make a %s signing key for %s as %s, %s", s.Algorithm, s.Planned, s.Key.Alias, policy)
}

// Missing lists the keys that the plan has no reference for, as the steps that
// CreateMissing would take. It asks nothing of KMS.
func Missing(p *plan.Plan, o MissingOptions) ([]Step, error) {
	if o.Prefix == "" {
		o.Prefix = "trustroot"
	}
	var steps []Step
	var errs []error
	for _, planned := range Keys(p) {
		if planned.ARN != "" || o.Done != nil && o.Done(planned) {
			continue
		}
		s := Step{Planned: planned, Key: CreateOptions{
			Alias: planned.Alias(o.Prefix), Algorithm: planned.Algorithm, Description: p.Organization + " " + planned.String(),
			Tags: map[string]string{
				"trustroot:kind": planned.Kind, "trustroot:name": planned.Name, "trustroot:generation": fmt.Sprint(planned.Generation),
			},
		}}
		if o.Directory != "" {
			s.Key.Tags[TagOrganization], s.Key.Tags[TagDirectory] = tagValue(p.Organization), o.Directory
		}
		if o.Policy != nil {
			document, err := o.Policy(planned)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", planned, err))
			}
			s.Key.Policy = string(document)
		}
		errs = append(errs, planned.check(), s.Key.check())
		steps = append(steps, s)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.New(fault.Usage, "nothing was made", err)
	}
	return steps, nil
}

// Made is one key that CreateMissing made or found.
type Made struct {
	Row
	New bool `json:"new"` // made by this call; else it was there already
}

// CreateMissing carries out the steps of Missing, in order: a second run makes nothing, and a run that was cut is completed
// by the next. On an error the keys made so far are returned with it.
func (c *Client) CreateMissing(ctx context.Context, steps []Step) ([]Made, error) {
	m := &maker{client: c}
	var done []Made
	for _, s := range steps {
		k, isNew, err := m.make(ctx, s.Key)
		if err == nil {
			err = s.Role.fits(k)
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w; %d of %d keys are there, the next run goes on from here", s.Planned, err, len(done), len(steps))
		}
		verb := "found"
		if isNew {
			verb = "made"
		}
		c.options.Progress(fmt.Sprintf("%s %s: %s", verb, s.Planned, k.ARN))
		done = append(done, Made{Row: rowOf(s.Planned, k), New: isNew})
	}
	return done, nil
}
