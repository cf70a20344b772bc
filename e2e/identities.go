package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// Identity providers beside the two that every run has.
const (
	enterpriseIssuer = "https://github.example.com/_services/token"
	gitlabIssuer     = "https://gitlab.example.com"
	buildkiteIssuer  = "https://agent.buildkite.com"
	jenkinsIssuer    = "https://jenkins.example.com"
	spiffeIssuer     = "https://oidc.spire.example.com"
)

// providers are the plan's identity providers once workflows, pipelines and
// machines may sign.
const providers = `oidc: [{issuer: "https://login.example.com", type: email}, {issuer: "https://` + githubHost + `"}, ` +
	`{issuer: "` + enterpriseIssuer + `", type: github-workflow}, {issuer: "` + gitlabIssuer + `", type: gitlab-pipeline}, {issuer: "` + buildkiteIssuer + `"}, ` +
	`{issuer: "` + jenkinsIssuer + `", type: uri, domain: "` + jenkinsIssuer + `"}, {issuer: "` + spiffeIssuer + `", type: spiffe, domain: spire.example.com}]`

// startProviders has the proxy answer for them.
func (w *world) startProviders() error {
	for _, url := range []string{"https://login.example.com", "https://" + githubHost, enterpriseIssuer, gitlabIssuer, buildkiteIssuer, jenkinsIssuer, spiffeIssuer} {
		i, err := newIssuer(url)
		if err != nil {
			return err
		}
		host := strings.TrimPrefix(url, "https://")
		host, _, _ = strings.Cut(host, "/")
		w.issuers[host] = i
		w.proxy.set(host, i)
	}
	return nil
}

// identity is a signer: its token's claims, and what a policy says of it.
type identity struct {
	name, host     string
	claims, policy map[string]any
	// neighbours are the same signer with claims changed, each with the check
	// that must refuse it.
	neighbours []neighbour
}

type neighbour struct {
	what   string
	claims map[string]any
	check  string
}

func github(ref, trigger string) map[string]any {
	file, commit := repository+"/"+workflowFile+"@"+ref, strings.Repeat("c0", 20)
	return map[string]any{
		"sub": "repo:" + repository + ":ref:" + ref, "repository": repository, "repository_owner": "example", "repository_id": "1", "repository_owner_id": "2",
		"repository_visibility": "private", "workflow": "release", "workflow_ref": file, "workflow_sha": commit, "job_workflow_ref": file, "job_workflow_sha": commit,
		"ref": ref, "sha": commit, "event_name": trigger, "run_id": "3", "run_attempt": "1", "runner_environment": "github-hosted",
	}
}

func gitlab(ref, refType, source string) map[string]any {
	return map[string]any{
		"sub": "project_path:infra/app:ref_type:" + refType + ":ref:" + ref, "project_path": "infra/app", "project_id": "7", "namespace_path": "infra", "namespace_id": "8",
		"ref": ref, "ref_type": refType, "sha": strings.Repeat("c0", 20), "pipeline_source": source, "job_id": "9", "project_visibility": "private",
		"ci_config_ref_uri": "gitlab.example.com/infra/app//.gitlab-ci.yml@refs/" + map[string]string{"tag": "tags/", "branch": "heads/"}[refType] + ref,
		"ci_config_sha":     strings.Repeat("c0", 20), "runner_environment": "self-hosted",
	}
}

func changed(base map[string]any, more map[string]any) map[string]any {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

// identities are one of each kind that Fulcio issues to here.
func identities() []identity {
	workflow := func(name, host, issuer, site string) identity {
		good := github("refs/tags/v1.0.0", "push")
		return identity{name, host, good, map[string]any{
			"issuer": issuer, "identity": site + "/" + repository + "/" + workflowFile + "@refs/tags/v*",
			"claims": map[string]string{"buildTrigger": "push", "sourceRepositoryURI": site + "/" + repository, "sourceRepositoryRef": "refs/tags/v*", "runnerEnvironment": "github-hosted"},
		}, []neighbour{
			{"a branch", github("refs/heads/main", "push"), "sourceRepositoryRef"},
			{"a pull request", github("refs/tags/v1.0.0", "pull_request"), "buildTrigger"},
			{"another repository with the workflow of this one", changed(good, map[string]any{"repository": "example/fork"}), "sourceRepositoryURI"},
			{"the ref in other letters", changed(good, map[string]any{"ref": "refs/Tags/v1.0.0"}), "sourceRepositoryRef"},
			{"a newline in the ref", changed(good, map[string]any{"ref": "refs/tags/v1.0.0\nrefs/tags/v2"}), "sourceRepositoryRef"},
		}}
	}
	pipeline := gitlab("v1.0.0", "tag", "push")
	job := map[string]any{"sub": "organization:example:pipeline:deploy", "organization_slug": "example", "pipeline_slug": "deploy", "build_number": 5, "job_id": "j",
		"build_commit": strings.Repeat("c0", 20), "build_source": "webhook", "runner_environment": "self-hosted", "step_key": "release", "build_branch": "main"}
	person := map[string]any{"sub": "1", "email": "person@example.com", "email_verified": true}
	return []identity{
		workflow("a workflow of GitHub", githubHost, "https://"+githubHost, "https://github.com"),
		workflow("a workflow of GitHub Enterprise Server", "github.example.com", enterpriseIssuer, "https://github.example.com"),
		{"a pipeline of an own GitLab", "gitlab.example.com", pipeline, map[string]any{
			"issuer": gitlabIssuer, "identity": gitlabIssuer + "/infra/app//.gitlab-ci.yml@refs/tags/v*",
			"claims": map[string]string{"sourceRepositoryURI": gitlabIssuer + "/infra/app", "sourceRepositoryRef": "refs/tags/v*", "buildTrigger": "push"},
		}, []neighbour{
			{"a branch called like a tag", gitlab("v1.0.0", "branch", "push"), "sourceRepositoryRef"},
			{"a schedule", gitlab("v1.0.0", "tag", "schedule"), "buildTrigger"},
			{"another project", changed(pipeline, map[string]any{"project_path": "infra/other"}), "sourceRepositoryURI"},
		}},
		{"a job of Buildkite", "agent.buildkite.com", job, map[string]any{
			"issuer": buildkiteIssuer, "identity": "https://buildkite.com/example/deploy", "claims": map[string]string{"buildTrigger": "webhook", "runnerEnvironment": "self-hosted"},
		}, []neighbour{
			{"another pipeline", changed(job, map[string]any{"pipeline_slug": "other"}), "identity"},
			{"a build by hand", changed(job, map[string]any{"build_source": "ui"}), "buildTrigger"},
		}},
		{"a person", "login.example.com", person, map[string]any{"issuer": "https://login.example.com", "identity": "person@example.com"}, []neighbour{
			{"another person", changed(person, map[string]any{"email": "other@example.com"}), "identity"},
		}},
		{"a job of Jenkins, by its URI", "jenkins.example.com", map[string]any{"sub": jenkinsIssuer + "/job/app"}, map[string]any{
			"issuer": jenkinsIssuer, "identity": jenkinsIssuer + "/job/app"}, []neighbour{
			{"another job", map[string]any{"sub": jenkinsIssuer + "/job/app2"}, "identity"},
		}},
		{"a machine by its SPIFFE ID", "oidc.spire.example.com", map[string]any{"sub": "spiffe://spire.example.com/ci/release"}, map[string]any{
			"issuer": spiffeIssuer, "identity": "spiffe://spire.example.com/ci/*"}, []neighbour{
			{"a machine outside the path", map[string]any{"sub": "spiffe://spire.example.com/web"}, "identity"},
			{"a machine below the path", map[string]any{"sub": "spiffe://spire.example.com/ci/release/x"}, "identity"},
		}},
	}
}

// admits has Fulcio issue to each identity, the gate admit it by its policy, and
// refuse its neighbours and everybody else.
func (w *world) admits(ctx context.Context, s *suite) {
	all := identities()
	var checks []check
	var policies []string
	for i, id := range all {
		policy, err := w.identityPolicy(i, id)
		if err != nil {
			s.count(ctx, "the gate's policies", err)
			return
		}
		policies = append(policies, policy)
		checks = append(checks, check{"Fulcio as rendered issues to " + id.name + ", and the gate admits it by its policy", func(ctx context.Context) error {
			b, err := w.signAs(ctx, fmt.Sprintf("identity%d", i), id.host, id.claims)
			if err != nil {
				return err
			}
			return w.verify(ctx, policy, b.artifact, b.bundle)
		}})
		for n, near := range id.neighbours {
			checks = append(checks, check{"the gate refuses " + near.what + " in place of " + id.name + ", and says " + near.check, func(ctx context.Context) error {
				b, err := w.signAs(ctx, fmt.Sprintf("identity%d-%d", i, n), id.host, near.claims)
				if err != nil {
					return fmt.Errorf("sign: %s", err.Error()) // not to be taken for the gate's refusal
				}
				return gateRefuses(w.verify(ctx, policy, b.artifact, b.bundle), "keyless."+near.check)
			}})
		}
	}
	s.together(ctx, checks...)
	s.count(ctx, "the gate refuses each identity by another's policy, and says issuer", func() error {
		var problems []error
		for i := 1; i < len(all); i++ {
			name := fmt.Sprintf("identity%d", i)
			problems = append(problems, gateRefuses(w.verify(ctx, policies[0], w.path("work", name), w.path("work", name+".id.sigstore.json")), "keyless.issuer"))
		}
		return errors.Join(problems...)
	}())
}

func gateRefuses(err error, names string) error {
	var exit *exitError
	if errors.As(err, &exit) && exit.code != 5 {
		return err
	}
	return refused(err, names)
}

func (w *world) signAs(ctx context.Context, name, host string, claims map[string]any) (signed, error) {
	return w.signKeyless(ctx, name, "id", "", w.issuers[host], name, claims)
}

// identityPolicy is a policy that admits one identity and nobody else.
func (w *world) identityPolicy(number int, id identity) (string, error) {
	text, err := json.Marshal(map[string]any{
		"version": 2, "trust": map[string]string{"file": w.wellKnown("trusted_root.json")},
		"rule": "counts", "counts": map[string]int{"keyless": 1}, "keyless": []any{id.policy},
	})
	if err != nil {
		return "", err
	}
	file := filepath.Join(w.path("work"), fmt.Sprintf("identity%d.json", number))
	return file, os.WriteFile(file, text, 0o600)
}
