package policy

import "strings"

// ImpliedContext is what the principal and the resource of a request already say of its context: the condition keys that AWS
// fills from them, without those that hang on the request itself (aws:SecureTransport, aws:SourceIp, s3:prefix…) or on what a
// case does not hold, as tags and unique ids. The role of a session is taken to have no path, because the session's ARN does not
// tell it.
//
// Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties
func ImpliedContext(principal string, resource Resource) map[string]any {
	context := map[string]any{}
	if account := resource.AccountID; account != "" {
		context["aws:ResourceAccount"] = account
	} else if account := AccountOf(resource.ARN); account != "" {
		context["aws:ResourceAccount"] = account
	}
	set := func(account, arn, kind string) {
		context["aws:PrincipalAccount"] = account
		context["aws:PrincipalArn"] = arn
		context["aws:PrincipalType"] = kind
		context["aws:PrincipalIsAWSService"] = "false"
	}
	switch {
	case principal == "anonymous" || principal == "*":
		context["aws:PrincipalAccount"] = "anonymous"
		context["aws:PrincipalType"] = "Anonymous"
		return context
	case accountID.MatchString(principal):
		set(principal, "arn:aws:iam::"+principal+":root", "Account")
		return context
	case strings.HasSuffix(principal, ".amazonaws.com") || strings.HasSuffix(principal, ".amazonaws.com.cn"):
		context["aws:PrincipalIsAWSService"] = "true"
		context["aws:PrincipalServiceName"] = principal
		return context
	}
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) < 6 {
		return context
	}
	account := parts[4]
	kind, name, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "root":
		set(account, principal, "Account")
	case "user":
		set(account, principal, "User")
		context["aws:username"] = name[strings.LastIndexByte(name, '/')+1:]
	case "role":
		set(account, principal, "AssumedRole")
	case "assumed-role":
		role, _, _ := strings.Cut(name, "/")
		set(account, "arn:"+parts[1]+":iam::"+account+":role/"+role, "AssumedRole")
	case "federated-user":
		set(account, principal, "FederatedUser")
	}
	return context
}
