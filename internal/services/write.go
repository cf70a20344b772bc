package services

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/linnemanlabs/trustroot/templates"
)

// ConfigDir is where the rendered folders belong on a host.
const ConfigDir = "/etc/trustroot/services"

// execute runs a template of templates/services.
func execute(name string, data any) ([]byte, error) {
	t := template.New(name).Funcs(template.FuncMap{"quote": quote}).Option("missingkey=error")
	if name == "fulcio.yaml.tmpl" {
		t = t.Delims("[[", "]]") // what it writes are templates too
	}
	t, err := t.ParseFS(templates.FS, "services/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// quote writes a YAML string in double quotes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// unit is a service as the templates see it, its arguments filled in.
type unit struct {
	Service
	Dir       string
	Arguments []string
}

func (s Service) unit(dir, host string) unit {
	u := unit{Service: s, Dir: dir}
	for _, a := range s.Arguments {
		u.Arguments = append(u.Arguments, strings.NewReplacer("{dir}", dir, "{host}", host).Replace(a))
	}
	return u
}

// CommandLine is the program's arguments as its systemd unit has them.
func (s Service) CommandLine() []string {
	return s.unit(path.Join(ConfigDir, s.Name), "127.0.0.1").Arguments
}

// Layout returns the files of rendered services by slash-separated path: a
// folder with what each reads and its systemd unit, and one compose file.
func Layout(rendered []Service) (map[string][]byte, error) {
	files := map[string][]byte{}
	var units []unit
	for _, s := range rendered {
		for name, data := range s.Files {
			if name == omniwitnessFile {
				continue // all logs stand in one, below
			}
			files[path.Join(s.Name, name)] = data
		}
		if len(s.Arguments) == 0 {
			continue // its operator starts it
		}
		text, err := execute("systemd.service.tmpl", s.unit(path.Join(ConfigDir, s.Name), "127.0.0.1"))
		if err != nil {
			return nil, err
		}
		files[path.Join(s.Name, s.Name+".service")] = text
		units = append(units, s.unit("/config", "0.0.0.0"))
	}
	if len(units) > 0 {
		text, err := execute("compose.yaml.tmpl", units)
		if err != nil {
			return nil, err
		}
		files["compose.yaml"] = text
	}
	if logs := Omniwitness(rendered); len(logs) > 0 {
		files[omniwitnessFile] = logs
	}
	return files, nil
}
