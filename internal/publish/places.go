package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/strict"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// Where says which places are written beside those of the plan, which are left
// out, and which are brought up though they went back.
type Where struct {
	To, Without, Restore []string
}

// placesFile keeps what was read back in each place the last time.
type placesFile struct {
	Version int                 `json:"version"` // 1
	Places  map[string]tuf.Seen `json:"places"`
}

func readSeen(d *trustdir.Dir) (placesFile, error) {
	f := placesFile{Version: 1, Places: map[string]tuf.Seen{}}
	data, err := fs.ReadFile(d.FS(), trustdir.PlacesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = strict.JSON(data, &f)
	}
	if err == nil && f.Version != 1 {
		err = fmt.Errorf("version %d: this program reads 1", f.Version)
	}
	if err != nil {
		return f, fault.New(fault.Verification, "restore it from version control", fmt.Errorf("%s: %w", trustdir.PlacesFile, err))
	}
	return f, nil
}

// keepSeen records what was read back.
func keepSeen(d *trustdir.Dir, places []*tuf.Place) error {
	f, err := readSeen(d)
	if err != nil {
		return err
	}
	for _, place := range places {
		if len(place.Seen) > 0 {
			f.Places[place.Name] = place.Seen
		}
	}
	if len(f.Places) == 0 {
		return nil
	}
	data, err := strict.Indented(f)
	if err != nil {
		return err
	}
	return d.Replace(map[string][]byte{trustdir.PlacesFile: data})
}

// openPlaces opens our own copy, the places of the plan and those named. A
// place that cannot be opened is for the publisher to judge.
func openPlaces(d *trustdir.Dir, ctx context.Context, w Where) (*tuf.Publisher, error) {
	names := placeNames(d, w.To)
	for flag, named := range map[string][]string{"--without": w.Without, "--restore": w.Restore} {
		for _, name := range named {
			if !slices.Contains(names, cleanPlace(name)) {
				return nil, fault.New(fault.Usage, "name one of: "+strings.Join(names, ", "), fmt.Errorf("%s %s: no such place in the plan or in --to", flag, name))
			}
		}
	}
	seen, err := readSeen(d)
	if err != nil {
		return nil, err
	}
	own, err := store.Open(ctx, d.Join(trustdir.RepositoryDir))
	if err != nil {
		return nil, err
	}
	p := &tuf.Publisher{Own: &tuf.Place{Name: trustdir.RepositoryDir + "/", Store: own}}
	for _, name := range names {
		if slices.Contains(cleanPlaces(w.Without), name) {
			continue
		}
		place := &tuf.Place{Name: name, Seen: maps.Clone(seen.Places[name]), Restore: slices.Contains(cleanPlaces(w.Restore), name)}
		place.Store, place.Err = openPlace(d, ctx, name, len(place.Seen) > 0)
		p.Places = append(p.Places, place)
	}
	return p, nil
}

// openPlace opens one place. A folder that was written before is not made anew:
// what is mounted there is gone.
func openPlace(d *trustdir.Dir, ctx context.Context, name string, known bool) (objects.Store, error) {
	at := name
	if !strings.Contains(name, "://") && !filepath.IsAbs(name) {
		at = d.Join(name)
	}
	if known {
		return store.OpenExisting(ctx, at)
	}
	return store.Open(ctx, at)
}

// placeNames are the places of the plan, in order, and those named, each once.
func placeNames(d *trustdir.Dir, named []string) []string {
	var out []string
	if d.Plan.TUF != nil {
		for _, place := range d.Plan.TUF.Places {
			out = append(out, cleanPlace(place.At))
		}
	}
	for _, name := range cleanPlaces(named) {
		if at, err := filepath.Abs(name); err == nil && !strings.Contains(name, "://") {
			name = at // what is typed is relative to where it is typed
			if name == d.Join(trustdir.RepositoryDir) {
				continue
			}
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func cleanPlace(name string) string {
	if strings.Contains(name, "://") {
		return strings.TrimSuffix(name, "/")
	}
	return filepath.Clean(name)
}

func cleanPlaces(names []string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, cleanPlace(name))
	}
	return out
}

// PlaceState is how one place stands to the trust directory's own copy.
type PlaceState struct {
	Place string    `json:"place"`
	For   string    `json:"for,omitempty"`
	State tuf.State `json:"state"`
	Text  string    `json:"text,omitempty"`
}

// Places reads every place of the plan and holds it against our own copy. It
// writes nothing.
func Places(d *trustdir.Dir, ctx context.Context) ([]PlaceState, error) {
	if _, err := os.Stat(d.Join(trustdir.RepositoryDir + "/timestamp.json")); d.Plan.TUF == nil || len(d.Plan.TUF.Places) == 0 || err != nil {
		return nil, nil
	}
	p, err := openPlaces(d, ctx, Where{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Own.Store.Close() }()
	states, errs := p.States(ctx)
	var out []PlaceState
	for i, place := range p.Places {
		state := PlaceState{Place: place.Name, For: d.Plan.TUF.Places[i].For, State: states[i]}
		if errs[i] != nil {
			state.Text = errs[i].Error()
		}
		out = append(out, state)
		if place.Store != nil {
			err = errors.Join(err, place.Store.Close())
		}
	}
	return out, err
}
