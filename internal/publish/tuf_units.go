package publish

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/templates"
)

// RefreshUnits writes a systemd service and timer that refresh the repository
// of this trust directory and the places given. Files that are there are
// refused.
func RefreshUnits(d *trustdir.Dir, folder string, to []string) ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	dir, err := filepath.Abs(d.Path)
	if err != nil {
		return nil, fmt.Errorf("find the trust directory: %w", err)
	}
	units := struct {
		Organization, Program, Directory string
		Places, Writable                 []string
	}{
		Organization: unitText(d.Plan.Organization), Program: unitText(program), Directory: unitText(dir),
		Writable: []string{unitText(filepath.Join(dir, trustdir.RepositoryDir))},
	}
	// places.json is replaced beside the plan
	units.Writable = append(units.Writable, unitText(dir))
	planned := len(placeNames(d, nil))
	for i, place := range placeNames(d, to) {
		if !strings.Contains(place, "://") {
			if !filepath.IsAbs(place) {
				place = filepath.Join(dir, place)
			}
			units.Writable = append(units.Writable, unitText(place))
		}
		if i >= planned {
			units.Places = append(units.Places, unitText(place))
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of units: %w", err)
	}
	var written []string
	for _, name := range []string{"trustroot-refresh.service", "trustroot-refresh.timer"} {
		t, err := template.ParseFS(templates.FS, "systemd/"+name+".tmpl")
		if err != nil {
			return written, fmt.Errorf("read the unit's template: %w", err)
		}
		var text bytes.Buffer
		if err := t.Execute(&text, units); err != nil {
			return written, fmt.Errorf("render %s: %w", name, err)
		}
		path := filepath.Join(folder, name)
		if err := durable.Write(path, text.Bytes(), 0o644); err != nil {
			return written, fault.New(fault.Failure, "remove the unit that is there, or name another folder", err)
		}
		written = append(written, path)
	}
	return written, nil
}

// unitText quotes a word for a unit file (systemd.syntax(7)): a percent sign
// and a dollar sign are doubled, and what holds a blank, a quote or a backslash
// is quoted.
func unitText(word string) string {
	word = strings.NewReplacer("%", "%%", "$", "$$").Replace(word)
	if strings.ContainsAny(word, " \t\n\"'\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(word) + `"`
	}
	return word
}
