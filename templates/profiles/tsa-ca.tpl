{{- /* A CA for time-stamping authorities: timestamp-authority wants the purpose
       on every certificate between the authority and the root. */ -}}
{
	"order": ["basicConstraints", "keyUsage", "extKeyUsage", "subjectKeyId", "authorityKeyId", "subjectAltName", "nameConstraints", "certificatePolicies", "authorityInfoAccess", "crlDistributionPoints"],
	"basicConstraints": {"isCA": true, "maxPathLen": {{ .PathLen }}},
	"keyUsage": ["certSign"],
	"subjectKeyId": {{ toJson .SubjectKeyID }},
	"uris": {{ toJson .URIs }},
	"nameConstraints": {{ toJson .NameConstraints }},
	"issuingCertificateURL": {{ toJson .IssuingCertificates }},
	"crlDistributionPoints": {{ toJson .CRLDistribution }},
	"extensions": [
		{"id": "2.5.29.37", "critical": {{ .ExtKeyUsageCritical }}, "value": "{{ asn1Seq (asn1Enc "oid:1.3.6.1.5.5.7.3.8") }}"}
		{{- with .Policies }},
		{"id": "2.5.29.32", "value": {{ policies . }}}
		{{- end }}
	]
}
