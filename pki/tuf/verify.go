package tuf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Report is what Verify saw.
type Report struct {
	Roots    int            `json:"roots"` // root versions, from the first
	Roles    []RoleReport   `json:"roles"` // root, timestamp, snapshot, targets, then delegated roles
	Targets  []TargetReport `json:"targets"`
	Warnings []string       `json:"warnings,omitempty"`
}

// RoleReport is the newest version of a role.
type RoleReport struct {
	Version
	SignFrom  time.Time `json:"sign_from"` // when it is due to be signed again; zero if it does not say
	Threshold int       `json:"threshold"`
	Keys      []string  `json:"keys"`   // key IDs of the role, sorted
	Signed    []string  `json:"signed"` // key IDs of the valid signatures, sorted
}

// TargetReport is a target whose bytes were fetched and hashed.
type TargetReport struct {
	Name   string `json:"name"`
	Role   string `json:"role"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// Verify checks a published repository: as go-tuf's own updater sees it that
// trusts only rootJSON, and then what clients do not check. That is every root
// version in sequence from the first, rootJSON among them; thresholds met by
// distinct keys; keys that any client would refuse; expiry of every role;
// length and hash of every target; and the target names that clients need.
//
// from is an http, https or s3 URL or a directory. The error names every
// finding.
func Verify(ctx context.Context, from string, rootJSON []byte, now time.Time, opts ...Option) (r *Report, err error) {
	src, done, err := openSource(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, done()) }()
	r, err = verify(ctx, src, rootJSON, now, collect(opts), true)
	if err != nil {
		return nil, refused(from, err)
	}
	return r, nil
}

// refused tells a repository that gave no answer, or not all of it, from a
// wrong one.
func refused(from any, err error) error {
	err = fmt.Errorf("verify %s: %w", from, err)
	if errors.Is(err, objects.ErrUnreachable) {
		return fault.New(fault.Failure, "look at the server and the way to it, and run it again; nothing is said about its content", err)
	}
	return fault.New(fault.Verification, "do not trust this repository before the cause is known", err)
}

// verify does the work of Verify; content says whether targets are fetched.
func verify(ctx context.Context, src objects.Source, rootJSON []byte, now time.Time, o options, content bool) (*Report, error) {
	trusted, err := parseDocument(metadata.ROOT, rootJSON)
	if err != nil {
		return nil, fmt.Errorf("the root to start from: %w", err)
	}
	c, err := newClient(ctx, src, rootJSON, now, o.cache)
	if err != nil {
		return nil, err
	}
	var disliked []string
	var theirs foreign
	if o.theirs {
		theirs = foreign{trusted: trusted, dislike: func(err error) {
			if text := err.Error(); !slices.Contains(disliked, text) {
				disliked = append(disliked, text)
			}
		}}
	}
	repo, err := loadAs(ctx, src, theirs)
	if err != nil {
		return nil, err
	}
	v := &verification{repo: repo, now: now, report: &Report{Roots: len(repo.roots)}, errs: slices.Clone(repo.outdated)}
	defer func() { v.report.Warnings = append(disliked, v.report.Warnings...) }()
	v.checkRoots(trusted)
	v.checkRoles()
	v.checkNames()
	if content {
		if err := v.fetchAll(ctx, c); err != nil {
			return nil, err
		}
	}
	unreachable := func(err error) bool { return errors.Is(err, objects.ErrUnreachable) }
	if slices.ContainsFunc(v.errs, func(err error) bool { return !unreachable(err) }) {
		v.errs = slices.DeleteFunc(v.errs, unreachable) // what is wrong outweighs what did not come
	}
	return v.report, errors.Join(v.errs...)
}

type verification struct {
	repo   *repository
	now    time.Time
	report *Report
	errs   []error
}

func (v *verification) fail(format string, a ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, a...))
}

// checkRoots finds the trusted root in the chain and looks at every key of
// every version: old clients walk through all of them.
func (v *verification) checkRoots(trusted *document) {
	if err := inChain(v.repo.roots, trusted); err != nil {
		v.errs = append(v.errs, err)
	}
	for _, root := range v.repo.roots {
		switch err := checkRootRoles(root); {
		case err != nil && root.dislike != nil:
			root.dislike(err) // go-tuf's client has taken the newest
		case err != nil:
			v.errs = append(v.errs, err)
		}
	}
}

// checkRoles reports every role. load has checked thresholds by distinct keys.
func (v *verification) checkRoles() {
	for _, d := range v.repo.documents() {
		set, err := v.repo.keys(d.role)
		if err != nil {
			v.errs = append(v.errs, err)
			continue
		}
		r := RoleReport{
			Version: d.versioned(), Threshold: set.threshold, Keys: set.ids(), Signed: set.signers(d),
		}
		r.SignFrom, _ = v.repo.signFrom(d, OnlineRole{}) // a repository of others may not say
		v.report.Roles = append(v.report.Roles, r)
		if d.snapshot != nil || d.timestamp != nil {
			if w := windowsOf(v.repo.root(), d.role, OnlineRole{}); w.Expiry > 0 {
				if err := r.tooLong(w.Expiry, v.now); err != nil {
					v.report.Warnings = append(v.report.Warnings, err.Error()) // clients take it
				}
			}
		}
		if v.now.After(d.expires()) {
			v.fail("%s expired on %s", d.fileName(), d.expires().Format(time.RFC3339))
		}
	}
}

// tooLong refuses an online role that lives longer than it may, with a day of
// grace for clocks.
func (r RoleReport) tooLong(expiry plan.Days, now time.Time) error {
	if !r.Expires.After(now.Add(days(expiry) + 24*time.Hour)) {
		return nil
	}
	return fmt.Errorf("%s %d expires on %s, and each version is good for %d days", r.Role, r.Version.Version, r.Expires.Format(time.DateOnly), expiry)
}

// CheckOnline refuses a timestamp or snapshot that lives longer than the plan
// lets it.
func (r *Report) CheckOnline(t *plan.TUF, now time.Time) error {
	var errs []error
	for _, role := range r.Roles {
		switch role.Role {
		case metadata.TIMESTAMP:
			errs = append(errs, role.tooLong(t.Timestamp.Expiry, now))
		case metadata.SNAPSHOT:
			errs = append(errs, role.tooLong(t.Snapshot.Expiry, now))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.Verification, onlineStolen, err)
	}
	return nil
}

// checkNames looks for the targets that clients ask for.
func (v *verification) checkNames() {
	all := files(v.repo.targets)
	if all[TrustedRootName] == nil {
		v.fail("no target %s: cosign initialize succeeds and everything after it fails", TrustedRootName)
	}
	if all[SigningConfigName] == nil {
		v.report.Warnings = append(v.report.Warnings, fmt.Sprintf("no target %s: verifying works, signing does not", SigningConfigName))
	}
}

// fetchAll fetches every target as a client does, several at once.
func (v *verification) fetchAll(ctx context.Context, c objects.Update) error {
	top := v.repo.targets[metadata.TARGETS]
	infos, roles := map[string]*metadata.TargetFiles{}, map[string]string{}
	var names []string
	for _, role := range append([]string{metadata.TARGETS}, delegations(top)...) {
		for _, name := range slices.Sorted(maps.Keys(v.repo.targets[role].targets.Signed.Targets)) {
			if roles[name] != "" {
				continue
			}
			roles[name] = role
			info, err := c.Info(name)
			if err != nil {
				v.errs = append(v.errs, err)
				continue
			}
			infos[name] = info
			names = append(names, name)
		}
	}
	var mu sync.Mutex
	failed, sizes := map[string]error{}, map[string]int{}
	err := each(ctx, names, func(_ context.Context, name string) error {
		data, err := c.Download(name, infos[name])
		mu.Lock()
		defer mu.Unlock()
		failed[name], sizes[name] = err, len(data)
		return nil // every target is looked at
	})
	for _, name := range names {
		if failed[name] != nil {
			v.errs = append(v.errs, failed[name])
			continue
		}
		file := v.repo.targets[roles[name]].targets.Signed.Targets[name]
		v.report.Targets = append(v.report.Targets, TargetReport{Name: name, Role: roles[name], Size: int64(sizes[name]), SHA256: file.Hashes["sha256"].String()})
	}
	return err
}

// keys returns who signs a role now.
func (r *repository) keys(role string) (keySet, error) {
	if slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], role) {
		return rootSet(r.root(), role)
	}
	return delegatedSet(r.targets[metadata.TARGETS], role)
}

// signFrom returns when a role is due to be signed again.
func (r *repository) signFrom(d *document, fallback OnlineRole) (time.Time, error) {
	if d.snapshot == nil && d.timestamp == nil {
		return signFrom(d)
	}
	w := windowsOf(r.root(), d.role, fallback)
	if w.Resign == 0 {
		return time.Time{}, fmt.Errorf("root does not say when %s is to be signed again", d.role)
	}
	return d.expires().Add(-days(w.Resign)), nil
}
