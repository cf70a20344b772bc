package gate

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Beside finds the bundles of a file: those in its folder whose names begin
// with the file's and end with .sigstore.json.
func Beside(artifact string) ([]Bundle, error) {
	dir, name := filepath.Split(artifact)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // there is no artifact either, and its verdict says so
	}
	if err != nil {
		return nil, err
	}
	var bundles []Bundle
	for _, e := range entries {
		entry := e.Name()
		if rest, ok := strings.CutPrefix(entry, name+"."); ok && (rest == "sigstore.json" || strings.HasSuffix(rest, ".sigstore.json")) {
			bundles = append(bundles, Bundle{Path: filepath.Join(dir, entry)})
		}
	}
	sortBundles(bundles)
	return bundles, nil
}

func sortBundles(bundles []Bundle) {
	slices.SortFunc(bundles, func(a, b Bundle) int { return cmp.Compare(a.Path, b.Path) })
}

// Verdict is the report of one artifact and what refuses it.
type Verdict struct {
	Report *Report
	Err    error
}

// Each verifies artifacts in parallel, as many at a time as there are
// processors, and hands out the verdicts in the order of the requests. It ends
// early where use returns an error, with that error.
func (g *Gate) Each(ctx context.Context, requests iter.Seq2[Request, error], use func(Verdict) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan chan Verdict, runtime.GOMAXPROCS(0))
	var listErr error
	go func() {
		defer close(queue)
		for r, err := range requests {
			if err != nil {
				listErr = err
				return
			}
			verdict := make(chan Verdict, 1)
			select {
			case queue <- verdict:
			case <-ctx.Done():
				return
			}
			go func() {
				report, err := g.Verify(ctx, r)
				verdict <- Verdict{report, err}
			}()
		}
	}()
	for verdict := range queue {
		if err := use(<-verdict); err != nil {
			return err
		}
	}
	return listErr
}
