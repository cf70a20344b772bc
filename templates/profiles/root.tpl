{{- /* The root: signs certificates and CRLs, says nothing about purposes, and
       has no path length, so that a chain below it may grow. */ -}}
{
	"order": ["basicConstraints", "keyUsage", "subjectKeyId", "subjectAltName", "nameConstraints", "certificatePolicies", "crlDistributionPoints"],
	"basicConstraints": {"isCA": true, "maxPathLen": {{ .PathLen }}},
	"keyUsage": ["certSign", "crlSign"],
	"subjectKeyId": {{ toJson .SubjectKeyID }},
	"uris": {{ toJson .URIs }},
	"nameConstraints": {{ toJson .NameConstraints }},
	"crlDistributionPoints": {{ toJson .CRLDistribution }},
	"extensions": [
		{{- with .Policies }}
		{"id": "2.5.29.32", "value": {{ policies . }}}
		{{- end }}
	]
}
