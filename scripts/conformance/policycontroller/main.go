// Command policycontroller judges the rendered forms for policy-controller by its
// own code: its admission's validation, its TUF client on the repository that a
// form carries and on one that it fetches, and its reading of the trusted root.
// Its module stands alone: it wants older versions of what the others use.
//
//	policycontroller FORMS REPOSITORY
//
// FORMS is a folder that `trustroot trust render` filled, REPOSITORY the published
// TUF repository. It prints a line for each, and fails if one does not hold.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	pbtrust "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/theupdateframework/go-tuf/client"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"knative.dev/pkg/apis"
	"sigs.k8s.io/yaml"

	"github.com/sigstore/policy-controller/pkg/apis/policy/v1alpha1"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1beta1"
	"github.com/sigstore/policy-controller/pkg/reconciler/trustroot"
	"github.com/sigstore/policy-controller/pkg/tuf"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: policycontroller FORMS REPOSITORY")
		os.Exit(2)
	}
	failed := false
	for _, c := range []struct {
		what string
		run  func(ctx context.Context, forms, repository string) error
	}{
		{"policy-controller loads the repository that its form carries, and reads our trusted root there", carried},
		{"policy-controller loads the repository that it fetches, and reads our trusted root there", fetched},
		{"policy-controller's admission takes the policy that names it", policy},
	} {
		if err := c.run(context.Background(), os.Args[1], os.Args[2]); err != nil {
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

// read reads one document of a rendered file, as the API server would.
func read(forms, name string, number int, into interface {
	Validate(context.Context) *apis.FieldError
}) error {
	data, err := os.ReadFile(filepath.Join(forms, name))
	if err != nil {
		return err
	}
	parts := bytes.Split(data, []byte("\n---\n"))
	if number >= len(parts) {
		return fmt.Errorf("%s has %d documents", name, len(parts))
	}
	if err := yaml.UnmarshalStrict(parts[number], into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := into.Validate(context.Background()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func carried(ctx context.Context, forms, repository string) error {
	var root v1alpha1.TrustRoot
	if err := read(forms, "policy-controller-repository.yaml", 0, &root); err != nil {
		return err
	}
	r := root.Spec.Repository
	c, err := tuf.ClientFromSerializedMirror(ctx, r.MirrorFS, r.Root, r.Targets, v1alpha1.DefaultTUFRepoPrefix)
	if err != nil {
		return err
	}
	if err := keys(ctx, c, r.TrustedRootTarget, repository); err != nil {
		return err
	}
	// a byte changed in the archive must not go unseen, or nothing was judged
	wrong := root.DeepCopy()
	wrong.Spec.Repository.Root = bytes.Replace(wrong.Spec.Repository.Root, []byte(`"sig"`), []byte(`"gis"`), -1)
	if wrong.Validate(ctx) == nil {
		return errors.New("it takes a root without signatures")
	}
	return nil
}

func fetched(ctx context.Context, forms, repository string) error {
	var root v1alpha1.TrustRoot
	if err := read(forms, "policy-controller.yaml", 0, &root); err != nil {
		return err
	}
	server := httptest.NewServer(http.FileServer(http.Dir(repository)))
	defer server.Close()
	root.SetDefaults(ctx)
	r := root.Spec.Remote
	c, err := tuf.ClientFromRemote(ctx, server.URL, r.Root, r.Targets)
	if err != nil {
		return err
	}
	return keys(ctx, c, r.TrustedRootTarget, repository)
}

// keys compares what policy-controller reads with the published trusted root,
// windows and all.
func keys(ctx context.Context, c *client.Client, target, repository string) error {
	got, err := trustroot.GetSigstoreKeysFromTuf(ctx, c, target)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(repository, "targets", "*."+target))
	if err != nil {
		return err
	}
	for _, file := range append(files, filepath.Join(repository, "targets", target)) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		want := &pbtrust.TrustedRoot{}
		if err := protojson.Unmarshal(data, want); err != nil {
			return err
		}
		if proto.Equal(got, want) {
			return nil
		}
	}
	return errors.New("what it reads is not a published trusted root")
}

func policy(_ context.Context, forms, _ string) error {
	return read(forms, "policy-controller.yaml", 1, &v1beta1.ClusterImagePolicy{})
}
