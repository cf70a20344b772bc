package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Identity providers beside the two that every run has. Those of other.example.com
// say of their tokens what another provider says of its own.
const (
	enterpriseIssuer = "https://github.example.com/_services/token"
	gitlabIssuer     = "https://gitlab.example.com"
	buildkiteIssuer  = "https://agent.buildkite.com"
	jenkinsIssuer    = "https://jenkins.example.com"
	ownIssuer        = "https://ci.example.com"
	spiffeIssuer     = "https://oidc.spire.example.com"
	otherIssuers     = "https://other.example.com"
)

// providers are the plan's identity providers once workflows, pipelines and
// machines may sign, in place of its one line.
const providers = `oidc:
  - {issuer: "https://login.example.com", type: email}
  - {issuer: "https://` + githubHost + `"}
  - {issuer: "` + enterpriseIssuer + `", type: github-workflow}
  - {issuer: "` + gitlabIssuer + `", type: gitlab-pipeline}
  - {issuer: "` + buildkiteIssuer + `"}
  - {issuer: "` + jenkinsIssuer + `", type: uri, domain: "` + jenkinsIssuer + `"}
  - {issuer: "` + ownIssuer + `", type: ci-provider, ci_provider: forge}
  - {issuer: "` + spiffeIssuer + `", type: spiffe, domain: spire.example.com}
  - {issuer: "` + otherIssuers + `/github", type: github-workflow, url: "https://github.com"}
  - {issuer: "` + otherIssuers + `/enterprise", type: github-workflow, url: "https://github.example.com"}
  - {issuer: "` + otherIssuers + `/gitlab", type: gitlab-pipeline, url: "` + gitlabIssuer + `"}
  - {issuer: "` + otherIssuers + `/buildkite", type: buildkite-job}
  - {issuer: "` + otherIssuers + `/login", type: email}
  - {issuer: "` + otherIssuers + `/jenkins", type: uri, domain: "` + jenkinsIssuer + `"}
  - {issuer: "` + otherIssuers + `/forge", type: ci-provider, ci_provider: forge}
  - {issuer: "` + otherIssuers + `/spire", type: spiffe, domain: spire.example.com}
ci_providers:
  forge:
    subject: "{{ .site }}/{{ .project }}/pipeline@{{ .ref }}"
    claims:
      source-repository-uri: "{{ .site }}/{{ .project }}"
      source-repository-ref: ref
      github-workflow-ref: checkout
      build-trigger: cause
      deployment-environment: environment
    values: [{name: site, value: "` + ownIssuer + `"}, {name: environment, value: none}]`

// startProviders has the proxy answer for them.
func (w *world) startProviders() error {
	others := http.NewServeMux()
	for _, url := range []string{"https://login.example.com", "https://" + githubHost, enterpriseIssuer, gitlabIssuer, buildkiteIssuer, jenkinsIssuer, ownIssuer, spiffeIssuer,
		otherIssuers + "/github", otherIssuers + "/enterprise", otherIssuers + "/gitlab", otherIssuers + "/buildkite", otherIssuers + "/login",
		otherIssuers + "/jenkins", otherIssuers + "/forge", otherIssuers + "/spire"} {
		i, err := newIssuer(url)
		if err != nil {
			return err
		}
		if path, ok := strings.CutPrefix(url, otherIssuers); ok {
			w.issuers[strings.TrimPrefix(url, "https://")] = i
			others.Handle(path+"/", i)
			continue
		}
		host := strings.TrimPrefix(url, "https://")
		host, _, _ = strings.Cut(host, "/")
		w.issuers[host] = i
		w.proxy.set(host, i)
	}
	w.proxy.set(strings.TrimPrefix(otherIssuers, "https://"), others)
	return nil
}

// identity is a signer: its token's claims, and what a policy says of it.
type identity struct {
	name, host, other string // other is a provider that says the same of its tokens
	claims, policy    map[string]any
	// neighbours are the same signer with claims changed, each with the check
	// that must refuse it.
	neighbours []neighbour
}

type neighbour struct {
	kind, what string
	claims     map[string]any
	check      string // a part of "keyless", or byFulcio
}

// Kinds of neighbours: the columns of the table.
const (
	otherRef, otherProject, otherIssuer = "ref", "project", "issuer"
	tagForBranch, contradiction         = "tag/branch", "contradicts"
	wrongTrigger, newline, otherCase    = "trigger", "newline", "case"
	byFulcio                            = "Fulcio"
)

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

func changed(base, more map[string]any) map[string]any {
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

// identities are one of each kind that Fulcio issues to here.
func identities() []identity {
	workflow := func(name, host, other, issuer, site string) identity {
		good, branch := github("refs/tags/v1.0.0", "push"), github("refs/heads/main", "push")
		return identity{name, host, other, good, map[string]any{
			"issuer": issuer, "identity": site + "/" + repository + "/" + workflowFile + "@refs/tags/v*",
			"claims": map[string]string{"buildTrigger": "push", "sourceRepositoryURI": site + "/" + repository, "sourceRepositoryRef": "refs/tags/v*", "runnerEnvironment": "github-hosted"},
		}, []neighbour{
			{otherRef, "another tag", github("refs/tags/x1.0.0", "push"), "sourceRepositoryRef"},
			{tagForBranch, "a branch called like a tag", github("refs/heads/v1.0.0", "push"), "sourceRepositoryRef"},
			{wrongTrigger, "a pull request", github("refs/tags/v1.0.0", "pull_request"), "buildTrigger"},
			{otherProject, "another repository with the workflow of this one", changed(good, map[string]any{"repository": "example/fork"}), "sourceRepositoryURI"},
			{contradiction, "a branch with the workflow of a tag", changed(branch, map[string]any{"job_workflow_ref": good["job_workflow_ref"]}), "sourceRepositoryRef"},
			{otherCase, "the ref in other letters", changed(good, map[string]any{"ref": "refs/Tags/v1.0.0"}), "sourceRepositoryRef"},
			{newline, "a newline in the ref", changed(good, map[string]any{"ref": "refs/tags/v1.0.0\nrefs/tags/v2"}), "sourceRepositoryRef"},
		}}
	}
	pipeline := gitlab("v1.0.0", "tag", "push")
	job := map[string]any{"sub": "organization:example:pipeline:deploy", "organization_slug": "example", "pipeline_slug": "deploy", "build_number": 5, "job_id": "j",
		"build_commit": strings.Repeat("c0", 20), "build_source": "webhook", "runner_environment": "self-hosted", "step_key": "release", "build_branch": "main"}
	person := map[string]any{"sub": "1", "email": "person@example.com", "email_verified": true}
	forge := map[string]any{"sub": "1", "project": "infra/app", "ref": "refs/tags/v1.0.0", "checkout": "refs/tags/v1.0.0", "cause": "push"}
	at := func(ref string) map[string]any { return changed(forge, map[string]any{"ref": ref, "checkout": ref}) }
	return []identity{
		workflow("a workflow of GitHub", githubHost, "github", "https://"+githubHost, "https://github.com"),
		workflow("a workflow of GitHub Enterprise Server", "github.example.com", "enterprise", enterpriseIssuer, "https://github.example.com"),
		{"a pipeline of your own GitLab", "gitlab.example.com", "gitlab", pipeline, map[string]any{
			"issuer": gitlabIssuer, "identity": gitlabIssuer + "/infra/app//.gitlab-ci.yml@refs/tags/v*",
			"claims": map[string]string{"sourceRepositoryURI": gitlabIssuer + "/infra/app", "sourceRepositoryRef": "refs/tags/v*", "buildTrigger": "push"},
		}, []neighbour{
			{otherRef, "another tag", gitlab("x1.0.0", "tag", "push"), "sourceRepositoryRef"},
			{tagForBranch, "a branch called like a tag", gitlab("v1.0.0", "branch", "push"), "sourceRepositoryRef"},
			{wrongTrigger, "a schedule", gitlab("v1.0.0", "tag", "schedule"), "buildTrigger"},
			{otherProject, "another project", changed(pipeline, map[string]any{"project_path": "infra/other"}), "sourceRepositoryURI"},
			{contradiction, "a branch with the configuration of a tag", changed(pipeline, map[string]any{"ref_type": "branch", "ref": "main"}), "sourceRepositoryRef"},
			{newline, "a newline in the tag", changed(pipeline, map[string]any{"ref": "v1.0.0\nv2"}), "sourceRepositoryRef"},
			{otherCase, "the project in other letters", changed(pipeline, map[string]any{"project_path": "Infra/app"}), "sourceRepositoryURI"},
		}},
		{"a job of Buildkite", "agent.buildkite.com", "buildkite", job, map[string]any{
			"issuer": buildkiteIssuer, "identity": "https://buildkite.com/example/deploy", "claims": map[string]string{"buildTrigger": "webhook", "runnerEnvironment": "self-hosted"},
		}, []neighbour{
			{otherProject, "another pipeline", changed(job, map[string]any{"pipeline_slug": "other"}), "identity"},
			{wrongTrigger, "a build by hand", changed(job, map[string]any{"build_source": "ui"}), "buildTrigger"},
			{newline, "a newline in the trigger", changed(job, map[string]any{"build_source": "webhook\nui"}), "buildTrigger"},
			{otherCase, "the pipeline in other letters", changed(job, map[string]any{"pipeline_slug": "Deploy"}), "identity"},
		}},
		{"a person", "login.example.com", "login", person, map[string]any{"issuer": "https://login.example.com", "identity": "person@example.com"}, []neighbour{
			{otherProject, "another person", changed(person, map[string]any{"email": "other@example.com"}), "identity"},
			{newline, "a newline in the address", changed(person, map[string]any{"email": "person@example.com\nx@example.com"}), byFulcio},
			{otherCase, "the address in other letters", changed(person, map[string]any{"email": "Person@example.com"}), "identity"},
		}},
		{"a job of Jenkins, by its URI", "jenkins.example.com", "jenkins", map[string]any{"sub": jenkinsIssuer + "/job/app"}, map[string]any{
			"issuer": jenkinsIssuer, "identity": jenkinsIssuer + "/job/app"}, []neighbour{
			{otherProject, "another job", map[string]any{"sub": jenkinsIssuer + "/job/app2"}, "identity"},
			{newline, "a newline in the URI", map[string]any{"sub": jenkinsIssuer + "/job/app\n"}, byFulcio},
			{otherCase, "the job in other letters", map[string]any{"sub": jenkinsIssuer + "/Job/app"}, "identity"},
		}},
		{"a pipeline by the plan's own templates", "ci.example.com", "forge", forge, map[string]any{
			"issuer": ownIssuer, "identity": ownIssuer + "/infra/app/pipeline@refs/tags/v*",
			"claims": map[string]string{"sourceRepositoryURI": ownIssuer + "/infra/app", "sourceRepositoryRef": "refs/tags/v*", "buildTrigger": "push", "deploymentEnvironment": "none"},
		}, []neighbour{
			{otherRef, "another tag", at("refs/tags/x1.0.0"), "sourceRepositoryRef"},
			{tagForBranch, "a branch called like a tag", at("refs/heads/v1.0.0"), "sourceRepositoryRef"},
			{wrongTrigger, "a schedule", changed(forge, map[string]any{"cause": "schedule"}), "buildTrigger"},
			{otherProject, "another project", changed(forge, map[string]any{"project": "infra/other"}), "sourceRepositoryURI"},
			{contradiction, "another ref in the older extension", changed(forge, map[string]any{"checkout": "refs/heads/main"}), "claims"},
			{newline, "a newline in the trigger", changed(forge, map[string]any{"cause": "push\nschedule"}), "buildTrigger"},
			{otherCase, "the trigger in other letters", changed(forge, map[string]any{"cause": "Push"}), "buildTrigger"},
		}},
		{"a machine by its SPIFFE ID", "oidc.spire.example.com", "spire", map[string]any{"sub": "spiffe://spire.example.com/ci/release"}, map[string]any{
			"issuer": spiffeIssuer, "identity": "spiffe://spire.example.com/ci/*"}, []neighbour{
			{otherProject, "a machine outside the path", map[string]any{"sub": "spiffe://spire.example.com/web"}, "identity"},
			{otherRef, "a machine below the path", map[string]any{"sub": "spiffe://spire.example.com/ci/release/x"}, "identity"},
			{newline, "a newline in the ID", map[string]any{"sub": "spiffe://spire.example.com/ci/release\n"}, byFulcio},
			{otherCase, "the path in other letters", map[string]any{"sub": "spiffe://spire.example.com/CI/release"}, "identity"},
		}},
	}
}

// admits has Fulcio issue to each identity, the gate admit it by its policy, and
// refuse its neighbours and everybody else.
func (w *world) admits(ctx context.Context, s *suite) {
	all := identities()
	var checks []check
	var policies []string
	t := newTable(all)
	for i, id := range all {
		policy, err := w.identityPolicy(i, id)
		if err != nil {
			s.count(ctx, "the gate's policies", err)
			return
		}
		policies = append(policies, policy)
		id.neighbours = append(id.neighbours, neighbour{otherIssuer, "the same words of another issuer", id.claims, "issuer"})
		checks = append(checks, check{"Fulcio as rendered issues to " + id.name + ", and the gate admits it by its policy", func(ctx context.Context) error {
			b, err := w.signAs(ctx, fmt.Sprintf("identity%d", i), id.host, id.claims)
			if err != nil {
				return err
			}
			return t.admitted(i, w.verify(ctx, policy, b.artifact, b.bundle))
		}})
		for n, near := range id.neighbours {
			refuses := "the gate refuses " + near.what + " in place of " + id.name + ", and says " + near.check
			if near.check == byFulcio {
				refuses = "Fulcio issues nothing for " + near.what + " in place of " + id.name
			}
			checks = append(checks, check{refuses, func(ctx context.Context) error {
				return t.refused(i, near, w.near(ctx, fmt.Sprintf("identity%d-%d", i, n), policy, id, near))
			}})
		}
	}
	s.together(ctx, checks...)
	t.print(s.out)
	s.count(ctx, "the gate refuses each identity by another's policy, and says issuer", func() error {
		var problems []error
		for i := 1; i < len(all); i++ {
			name := fmt.Sprintf("identity%d", i)
			problems = append(problems, gateRefuses(w.verify(ctx, policies[0], w.path("work", name), w.path("work", name+".id.sigstore.json")), "keyless.issuer"))
		}
		return errors.Join(problems...)
	}())
}

// near has a neighbour sign, and expects who must refuse it to do so.
func (w *world) near(ctx context.Context, name, policy string, id identity, near neighbour) error {
	host := id.host
	if near.kind == otherIssuer {
		host = strings.TrimPrefix(otherIssuers, "https://") + "/" + id.other
	}
	b, err := w.signAs(ctx, name, host, near.claims)
	if near.check == byFulcio {
		return refused(err, "400")
	}
	if err != nil {
		return fmt.Errorf("sign: %s", err.Error()) // not to be taken for the gate's refusal
	}
	return gateRefuses(w.verify(ctx, policy, b.artifact, b.bundle), "keyless."+near.check)
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
