// Command consumers judges the rendered forms of a trust root by their owners'
// code: go-spiffe's reading of a bundle, the resource definitions of
// policy-controller, Kyverno and Flux, and protobuf-specs with sigstore-go for
// what Sigstore's clients and monitors read.
//
//	consumers FORMS CRD...
//	consumers spire DIR
//	consumers svid DIR
//
// FORMS is a folder that `trustroot trust render` filled, each CRD a
// CustomResourceDefinition in a module's archive, ARCHIVE!FILE. It prints a line for
// each, and fails if one does not hold. DIR holds what trustroot services render
// made for SPIRE, with spire.key, or with svid.pem of SPIRE's server.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/yannh/kubeconform/pkg/resource"
	"github.com/yannh/kubeconform/pkg/validator"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: consumers FORMS CRD...")
		os.Exit(2)
	}
	if judge, ok := map[string]func(string) error{"spire": underSPIRE, "svid": minted}[os.Args[1]]; ok {
		if err := judge(os.Args[2]); err != nil {
			fmt.Println("FAIL ", err)
			os.Exit(1)
		}
		return
	}
	failed := false
	for _, c := range []struct {
		what string
		run  func(forms string, crds []string) error
	}{
		{"policy-controller's, Kyverno's and Flux's resource definitions take the rendered resources", resources},
		{"go-spiffe reads the rendered bundle, of roots alone", spiffe},
		{"gh's file has one trusted root a line", lines},
		{"Sigstore's own schema reads the ClientTrustConfig, and sigstore-go both of its parts", trustConfig},
		{"Sigstore's own schema reads the MonitorConfig, of the logs that the trusted root has", monitored},
	} {
		if err := c.run(os.Args[1], os.Args[2:]); err != nil {
			failed = true
			fmt.Printf("FAIL  %s\n      %v\n", c.what, err)
			continue
		}
		fmt.Printf("ok    %s\n", c.what)
	}
	if failed {
		os.Exit(1)
	}
}

// schemas writes the schema of every version of each definition where
// kubeconform looks for it, strict: an unknown field is an error.
func schemas(dir string, crds []string) error {
	for _, path := range crds {
		data, err := readArchived(path)
		if err != nil {
			return err
		}
		var crd struct {
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Schema struct{ OpenAPIV3Schema map[string]any }
				}
			}
		}
		if err := yaml.Unmarshal(data, &crd); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, v := range crd.Spec.Versions {
			schema := v.Schema.OpenAPIV3Schema
			properties, ok := schema["properties"].(map[string]any)
			if !ok {
				return fmt.Errorf("%s: no properties", path)
			}
			properties["apiVersion"], properties["kind"], properties["metadata"] = map[string]any{}, map[string]any{}, map[string]any{}
			closed(schema)
			properties["metadata"] = map[string]any{}
			text, err := json.Marshal(schema)
			if err != nil {
				return err
			}
			name := strings.ToLower(crd.Spec.Names.Kind + "-" + crd.Spec.Group + "-" + v.Name + ".json")
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// readArchived reads FILE of a module archive, "ARCHIVE!FILE".
func readArchived(place string) (data []byte, err error) {
	archive, name, _ := strings.Cut(place, "!")
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	return fs.ReadFile(z, name)
}

// closed forbids unknown fields where a schema names fields.
func closed(schema map[string]any) {
	properties, ok := schema["properties"].(map[string]any)
	if ok && schema["additionalProperties"] == nil && schema["x-kubernetes-preserve-unknown-fields"] == nil {
		schema["additionalProperties"] = false
	}
	for _, p := range properties {
		if p, ok := p.(map[string]any); ok {
			closed(p)
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		closed(items)
	}
}

func resources(forms string, crds []string) (err error) {
	dir, err := os.MkdirTemp("", "crds-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := schemas(dir, crds); err != nil {
		return err
	}
	v, err := validator.New([]string{filepath.Join(dir, "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json")}, validator.Opts{SkipKinds: map[string]struct{}{"Secret": {}}})
	if err != nil {
		return err
	}
	seen := 0
	for _, name := range []string{"policy-controller.yaml", "policy-controller-repository.yaml", "kyverno.yaml", "flux.yaml"} {
		data, err := os.ReadFile(filepath.Join(forms, name))
		if err != nil {
			return err
		}
		for part := range bytes.SplitSeq(data, []byte("\n---\n")) {
			switch result := v.ValidateResource(resource.Resource{Path: name, Bytes: part}); result.Status {
			case validator.Valid:
				seen++
			case validator.Skipped:
			default:
				return fmt.Errorf("%s: %w", name, result.Err)
			}
		}
		// the same with a field that nobody has must be refused, or nothing was judged
		part, _, _ := bytes.Cut(data, []byte("\n---\n"))
		if name == "flux.yaml" {
			_, part, _ = bytes.Cut(data, []byte("\n---\n"))
		}
		wrong := bytes.Replace(part, []byte("\nspec:\n"), []byte("\nspec:\n  nobodyHasThis: true\n"), 1)
		if result := v.ValidateResource(resource.Resource{Path: name, Bytes: wrong}); result.Status != validator.Invalid {
			return fmt.Errorf("%s: a field that nobody has is taken", name)
		}
	}
	if seen != 5 {
		return fmt.Errorf("%d resources were judged, not 5", seen)
	}
	return nil
}

func spiffe(forms string, _ []string) error {
	data, err := os.ReadFile(filepath.Join(forms, "spiffe-bundle.json"))
	if err != nil {
		return err
	}
	bundle, err := spiffebundle.Parse(spiffeid.RequireTrustDomainFromString("example.com"), data)
	if err != nil {
		return err
	}
	if _, ok := bundle.SequenceNumber(); !ok || len(bundle.X509Authorities()) == 0 || len(bundle.JWTAuthorities()) != 0 {
		return fmt.Errorf("%d X.509 authorities, %d for tokens", len(bundle.X509Authorities()), len(bundle.JWTAuthorities()))
	}
	for _, c := range bundle.X509Authorities() {
		if c.CheckSignatureFrom(c) != nil {
			return fmt.Errorf("%s is not a root", c.Subject)
		}
	}
	return nil
}

// lines reads gh's file as its --custom-trusted-root describes it: JSON lines,
// each a trusted root.
func lines(forms string, _ []string) error {
	data, err := os.ReadFile(filepath.Join(forms, "trusted_root.jsonl"))
	if err != nil {
		return err
	}
	n := 0
	for line := range bytes.Lines(data) {
		var root struct{ MediaType string }
		if err := json.Unmarshal(line, &root); err != nil || !strings.HasPrefix(root.MediaType, "application/vnd.dev.sigstore.trustedroot+json") {
			return fmt.Errorf("line %d is not a trusted root: %w", n+1, err)
		}
		n++
	}
	if n == 0 {
		return errors.New("no line")
	}
	return nil
}
