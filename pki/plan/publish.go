package plan

// Publish says what is served beside trusted_root.json.
type Publish struct {
	Render []string `yaml:"render,omitempty" json:"render,omitempty"` // forms of the trust root for its consumers, under trust/consumers
	Names  []Alias  `yaml:"names,omitempty" json:"names,omitempty"`   // under which people already fetch what is published
}

// Alias is a second path of something that is published.
type Alias struct {
	Built string `yaml:"built" json:"built"` // under trust/ as built: certs/root.crt
	As    string `yaml:"as" json:"as"`       // under trust/ as people fetch it: root-ca.crt
}

// Forms are the names of what `trust render` writes.
var Forms = []string{
	"client-trust-config", "cosign", "flux", "gh", "kyverno", "kyverno-values", "monitor",
	"policy-controller", "policy-controller-repository", "spiffe",
}
