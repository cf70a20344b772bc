package services

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Anchorage finds the plan's timestamp authority and Rekor v2, with the log
// keys and the certificates that the ledger knows. An address that is given
// stands in place of the plan's; whose keys answer there does not change.
func (s *Source) Anchorage(tsa, rekor string) (a Anchorage, err error) {
	var authorities, logs []string // their addresses
	var problems []error
	for _, name := range courier.Names(s.Plan.Authorities) {
		p := s.Plan.Authorities[name]
		if programOf(s.Plan, name) != TSA {
			continue
		}
		if p.URL != "" {
			authorities = append(authorities, p.URL)
		}
		for _, g := range s.State.Authorities[name] { // and its issuers'
			_, chain, err := s.chain(g)
			a.Between, problems = append(a.Between, chain...), append(problems, err)
		}
	}
	for _, name := range courier.Names(s.Plan.Logs) {
		l := s.Plan.Logs[name]
		if l.Kind != plan.RekorV2 {
			continue
		}
		logs = append(logs, l.URL)
		for _, g := range s.State.Logs[name] {
			if g.Compromised == nil {
				key, err := s.verifier(g)
				a.Logs, problems = append(a.Logs, key), append(problems, err)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return a, err
	}
	a.TSA, err = address("timestamp authority", "--tsa", tsa, authorities)
	if err != nil {
		return a, err
	}
	if a.Rekor, err = address("Rekor v2", "--rekor", rekor, logs); err != nil {
		return a, err
	}
	if len(a.Logs) == 0 {
		return a, fault.New(fault.Failure, "enter its key with `trustroot log add`", errors.New("the ledger knows no key of a Rekor v2 log; nothing was written"))
	}
	return a, nil
}

// address is the one that was given, or the plan's only one.
func address(what, flag, given string, planned []string) (string, error) {
	slices.Sort(planned)
	switch planned = slices.Compact(planned); {
	case given != "":
	case len(planned) == 0:
		return "", fault.New(fault.Usage, "name one with "+flag, fmt.Errorf("the plan has no address of a %s; nothing was written", what))
	case len(planned) > 1:
		return "", fault.New(fault.Usage, "name one with "+flag, fmt.Errorf("the plan has more than one %s: %s; nothing was written", what, strings.Join(planned, ", ")))
	default:
		given = planned[0]
	}
	if u, err := url.Parse(given); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fault.New(fault.Usage, "write it like https://host/path", fmt.Errorf("%q is not an address of a %s; nothing was written", given, what))
	}
	return given, nil
}

// tileHeight is the one of C2SP tlog-tiles.
const tileHeight = 8

// tiles reads the hashes of a log (C2SP tlog-tiles).
type tiles func(name string) ([]byte, error)

// readEntry proves from a log's tiles that it holds a signature at an index.
// The checkpoint's own signature is checked where the anchor is made.
func readEntry(ctx context.Context, base string, index int64, parts anchor.Parts) (*anchor.Entry, error) {
	t := tiles(func(name string) ([]byte, error) {
		data, _, err := exchange(ctx, "log", "--rekor", http.MethodGet, strings.TrimSuffix(base, "/")+"/api/v2/"+name, "", nil)
		return data, err
	})
	note, err := t("checkpoint")
	if err != nil {
		return nil, err
	}
	var cp log.Checkpoint
	if _, err := cp.Unmarshal(note); err != nil {
		return nil, wrongAnswer("log", base, err)
	}
	body, err := parts.Body()
	if err != nil {
		return nil, err
	}
	e := &anchor.Entry{Index: index, TreeSize: int64(cp.Size), RootHash: cp.Hash, Checkpoint: string(note), Body: body} //nolint:gosec // a size beyond becomes negative, and is refused below
	tree := tlog.Tree{N: e.TreeSize}
	if index < 0 || index >= e.TreeSize || copy(tree.Hash[:], cp.Hash) != len(cp.Hash) {
		return nil, wrongAnswer("log", base, fmt.Errorf("its checkpoint is about a tree of %d entries, without entry %d", cp.Size, index))
	}
	proof, err := tlog.ProveRecord(e.TreeSize, index, tlog.TileHashReader(tree, t))
	if err != nil {
		return nil, wrongAnswer("log", base, err)
	}
	for _, hash := range proof {
		e.Hashes = append(e.Hashes, hash[:])
	}
	return e, nil
}

// Height implements tlog.TileReader.
func (t tiles) Height() int { return tileHeight }

// ReadTiles implements tlog.TileReader.
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		// tlog's own paths say the height, the log's do not
		data, err := t("tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// SaveTiles implements tlog.TileReader; nothing is kept.
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
