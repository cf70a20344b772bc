package logkey

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// EncodeLogID writes a log ID in base64, as trusted_root.json has it.
func EncodeLogID(id [32]byte) string { return base64.StdEncoding.EncodeToString(id[:]) }

// Add enters the next generation of a log's exported key into the ledger:
// from its planned start on, or from now, what it signs counts. The plan must
// pin the key, since the ledger never forgets.
func Add(d *trustdir.Dir, name string, now time.Time) (ledger.Log, error) {
	log, ok := d.Plan.Logs[name]
	if !ok {
		return ledger.Log{}, noLog(d, name)
	}
	next := len(d.State.Logs[name]) + 1
	if next > len(log.Generations) {
		return ledger.Log{}, fault.New(fault.Usage, "plan the next generation of the log; nothing was changed",
			fmt.Errorf("every generation of log %s is in the ledger already", name))
	}
	g := log.Generations[next-1]
	path := trustdir.GenerationDir("logs", name, g.Generation) + "/" + trustdir.PublicFile
	data, err := fs.ReadFile(d.FS(), path)
	if err != nil {
		return ledger.Log{}, fault.New(fault.Failure, "export the key first with `trustroot kms export "+name+"`; nothing was changed", err)
	}
	log.Origin, log.URL = d.Plan.PlaceOf(name, next)
	key, err := checkpointKey(log, data)
	if err != nil {
		return ledger.Log{}, fault.New(fault.Verification, "nothing was changed", fmt.Errorf("%s: %w", path, err))
	}
	id := key.LogID()
	if g.SPKISHA256 == "" {
		return ledger.Log{}, fault.New(fault.Verification, "have a second person look the key up with other credentials (`trustroot kms list --pin`) and pin it in the plan; nothing was changed",
			fmt.Errorf("the plan pins no key for %s g%d", name, g.Generation))
	}
	if err := trustdir.CheckPin(name, g, hex.EncodeToString(id[:])); err != nil {
		return ledger.Log{}, err
	}
	start := now
	if g.Start != nil {
		start = g.Start.UTC()
	}
	entry := ledger.Log{
		Name: name, Generation: g.Generation, Kind: log.Kind, Origin: log.Origin, URL: log.URL,
		LogID: hex.EncodeToString(id[:]), Start: start, File: trustdir.FileOf(path, data),
	}
	err = d.Append(now, ledger.Entry{Log: &entry})
	return entry, err
}

func checkpointKey(log plan.Log, data []byte) (checkpoint.Key, error) {
	pub, err := pki.ParsePublicKey(data)
	if err != nil {
		return checkpoint.Key{}, err
	}
	return checkpoint.New(log.Kind, log.Origin, pub)
}

// noLog says what a name that is not a log's is instead.
func noLog(d *trustdir.Dir, name string) error {
	if _, isApp := d.Plan.Apps[name]; isApp {
		return fault.New(fault.Usage, "run `trustroot kms export "+name+"`: it enters an application's key into the ledger",
			fmt.Errorf("%s is an application, not a log; nothing was changed", name))
	}
	return fault.New(fault.Usage, "name a log of the plan: "+strings.Join(slices.Sorted(maps.Keys(d.Plan.Logs)), ", "),
		fmt.Errorf("the plan has no log %s; nothing was changed", name))
}

// OriginWarnings says where the plan names another origin or base URL for a
// checkpoint key than the one that was asked for. pub may be of any log.
func OriginWarnings(p *plan.Plan, key checkpoint.Key) []string {
	id := key.LogID()
	spki := hex.EncodeToString(id[:])
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(p.Logs)) {
		log := p.Logs[name]
		own := slices.ContainsFunc(log.Generations, func(g plan.Generation) bool { return strings.EqualFold(g.SPKISHA256, spki) })
		if own && log.Origin != key.Origin {
			warnings = append(warnings, fmt.Sprintf("the plan gives this key to log %s with the origin %q, not %q", name, log.Origin, key.Origin))
		}
		if own && log.Kind != key.Kind {
			warnings = append(warnings, fmt.Sprintf("the plan gives this key to log %s, which is %s, not %s", name, log.Kind, key.Kind))
		}
		if own || log.Origin == key.Origin {
			if err := checkpoint.CheckURL(key.Kind, key.Origin, log.URL); err != nil {
				warnings = append(warnings, fmt.Sprintf("log %s of the plan: %v", name, err))
			}
		}
		if !own && log.Origin == key.Origin && pinned(log) {
			warnings = append(warnings, fmt.Sprintf("the plan has log %s at the origin %q, and it pins another key", name, key.Origin))
		}
	}
	return warnings
}

func pinned(log plan.Log) bool {
	return slices.ContainsFunc(log.Generations, func(g plan.Generation) bool { return g.SPKISHA256 != "" })
}

// New is checkpoint.New with a way out: an origin that is none is
// an error of usage, a key that some client fails with one of verification.
func New(kind, origin string, pub any) (checkpoint.Key, error) {
	if kind != checkpoint.RekorV2 && kind != checkpoint.StaticCT {
		return checkpoint.Key{}, fault.New(fault.Usage, "write --kind "+checkpoint.RekorV2+" or --kind "+checkpoint.StaticCT, fmt.Errorf("log kind %q is not known", kind))
	}
	var origins, keys error
	if err := checkpoint.CheckOrigin(kind, origin); err != nil {
		origins = fault.New(fault.Usage, "write the origin as the log does in the first line of its checkpoints: a name without scheme and without a slash at its end", err)
	}
	if err := checkpoint.Check(kind, pub); err != nil {
		keys = fault.New(fault.Verification, "make a P-256 key with `trustroot kms create` and plan it for the log", err)
	}
	if keys != nil || origins != nil {
		return checkpoint.Key{}, errors.Join(keys, origins)
	}
	return checkpoint.New(kind, origin, pub)
}
