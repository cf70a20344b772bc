{{- /* A CA for SPIRE: a trust domain as its name, no purposes of its own
       (X509-SVID 2 and 4). */ -}}
{
	"order": ["basicConstraints", "keyUsage", "subjectKeyId", "authorityKeyId", "subjectAltName", "nameConstraints", "certificatePolicies", "authorityInfoAccess", "crlDistributionPoints"],
	"basicConstraints": {"isCA": true, "maxPathLen": {{ .PathLen }}},
	"keyUsage": ["certSign"],
	"subjectKeyId": {{ toJson .SubjectKeyID }},
	"uris": {{ toJson .URIs }},
	"nameConstraints": {{ toJson .NameConstraints }},
	"issuingCertificateURL": {{ toJson .IssuingCertificates }},
	"crlDistributionPoints": {{ toJson .CRLDistribution }},
	"extensions": [
		{{- with .Policies }}
		{"id": "2.5.29.32", "value": {{ policies . }}}
		{{- end }}
	]
}
