package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// resource adds the resource's own policy, and the account that owns it.
func (q *asking) resource(ctx context.Context) error {
	resource := &q.Request.Resource
	if resource.AccountID == "" {
		resource.AccountID = AccountOf(resource.ARN)
	}
	var policies []Attachment
	missing := "These files do not show the policy of " + resource.ARN
	switch role, _, name := q.roleOf(resource.ARN); {
	case isS3(resource.ARN):
		bucket, _, _ := strings.Cut(strings.SplitN(resource.ARN, ":", 6)[5], "/")
		policies = q.bucketPolicies(bucket)
		missing = fmt.Sprintf("These files have no bucket %s (they have: %s)", bucket, listed(q.names(isBucket, "bucket")))
	case role != nil:
		policies = q.policiesOf(func(a Attachment) bool { return a.Kind == "trust" && a.URN == role.URN })
	case name != "":
		missing = fmt.Sprintf("These files have no role %s (they have: %s)", resource.ARN, listed(q.roleARNs()))
	default:
		policies = q.policiesOf(func(a Attachment) bool { return a.ARN == resource.ARN && a.Kind != "identity" })
	}
	if resource.AccountID == "" && len(policies) > 0 {
		resource.AccountID = q.byURN[policies[0].URN].Account
	}
	if resource.AccountID == "" {
		return fmt.Errorf("nothing tells which account owns %s; add --resource-account with its 12 digits. %s", resource.ARN, missing)
	}
	switch {
	case q.ResourcePolicy != nil:
	case len(policies) > 1:
		return fmt.Errorf("these files have %d policies for %s, as %s and %s; give those of one deployment",
			len(policies), resource.ARN, policies[0].URN, policies[1].URN)
	case len(policies) == 1:
		q.ResourcePolicy = q.stored(policies[0])
		return q.block(ctx)
	case q.bucket == nil:
		q.ResourcePolicy = UnknownPolicy()
		q.note("%s: what its policy allows is not known, unless --resource-policy gives it.", missing)
	}
	return nil
}

// stored is a resource's policy as AWS has it. AWS keeps the id of the role behind an ARN: a policy that was stored for a role which has
// been deleted and made again since does not mean the new one. The program has the role's id replace the policy, so that a state knows
// for which role it was.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (q *asking) stored(policy Attachment) json.RawMessage {
	text := policyText(policy.Text)
	role, _, _ := q.roleOf(q.Request.Principal)
	then, _ := q.byURN[policy.URN].Trigger.(string)
	if role == nil || !uniqueID.MatchString(then) {
		return text
	}
	now, _ := role.Outputs.UniqueID.(string)
	if now == then || !uniqueID.MatchString(now) || letsInOthers(text, role.arn("role")) {
		return text // Of several roles, it is not known whose the id was.
	}
	q.note("The policy was stored for the role with the id %s, and the role in these files has the id %s: it was deleted and made again. "+
		"Deploy the stack of the policy again.", then, now)
	return json.RawMessage(strings.ReplaceAll(string(text), `"`+role.arn("role")+`"`, `"`+then+`"`))
}

// letsInOthers says whether a policy allows something to a role besides this one.
func letsInOthers(text json.RawMessage, roleARN string) bool {
	var read struct {
		Statement []struct {
			Effect    string
			Principal any
		}
	}
	if json.Unmarshal(text, &read) != nil {
		return false // A single statement, or none.
	}
	for _, statement := range read.Statement {
		named, _ := statement.Principal.(map[string]any)
		several, isList := named["AWS"].([]any)
		if !isList {
			several = []any{named["AWS"]}
		}
		for _, one := range several {
			if name, _ := one.(string); statement.Effect == "Allow" && strings.Contains(name, ":role/") && name != roleARN {
				return true
			}
		}
	}
	return false
}

func (a *Access) policiesOf(wanted func(Attachment) bool) []Attachment {
	var found []Attachment
	for _, one := range a.attachments {
		if wanted(one) {
			found = append(found, one)
		}
	}
	return found
}

// all are the resources of a type.
func (a *Access) all(is func(*stackResource) bool) []*stackResource {
	var found []*stackResource
	for i := range a.resources {
		if is(&a.resources[i]) {
			found = append(found, &a.resources[i])
		}
	}
	return found
}

func (a *Access) names(is func(*stackResource) bool, input string) []string {
	var names []string
	for _, resource := range a.all(is) {
		names = append(names, resource.text(input))
	}
	return names
}

func isBucket(r *stackResource) bool {
	return r.Type == "aws:s3/bucketV2:BucketV2" || r.Type == "aws:s3/bucket:Bucket"
}

// bucketPolicies finds the bucket and its policies, of which it should have one at most.
func (q *asking) bucketPolicies(name string) []Attachment {
	for _, bucket := range q.all(func(r *stackResource) bool { return isBucket(r) && r.text("bucket") == name }) {
		q.bucket = bucket
		if q.Request.Resource.AccountID == "" {
			q.Request.Resource.AccountID = bucket.Account
		}
	}
	return q.policiesOf(func(a Attachment) bool { return a.Kind == "bucket" && strings.HasSuffix(a.ARN, ":s3:::"+name) })
}

// beside are the resources about the request's bucket.
func (q *asking) beside(types ...string) []*stackResource {
	if q.bucket == nil {
		return nil
	}
	name := q.bucket.text("bucket")
	return q.all(func(r *stackResource) bool {
		return slices.Contains(types, r.Type) && r.Stack == q.bucket.Stack &&
			(r.text("bucket") == name || IsUnknown(r.text("bucket")) && slices.Contains(r.Dependencies["bucket"], q.bucket.URN))
	})
}

// block adds what Public Access Block makes of the bucket's policy: RestrictPublicBuckets lets nobody of another account in by a public
// one, which is what a resource control policy would do.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (q *asking) block(ctx context.Context) error {
	if q.bucket == nil || IsUnknownPolicy(q.ResourcePolicy) {
		return nil
	}
	policy, err := ReadDocument(ResourcePolicy, "", q.ResourcePolicy)
	if err != nil {
		return nil //nolint:nilerr // What is wrong with a policy, the evaluator tells.
	}
	answer, err := q.rules.ask(ctx, q.rules.publicness, policy)
	if err != nil {
		return err
	}
	truth := answer.value("truth").String()
	if truth == "-1" {
		return nil
	}
	blocks := append(q.beside("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"), q.all(func(r *stackResource) bool {
		return r.Type == "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock" && r.Account == q.Request.Resource.AccountID
	})...)
	on := func(setting string) bool {
		return slices.ContainsFunc(blocks, func(r *stackResource) bool { return r.Inputs[setting] == true })
	}
	if truth == "1" && on("blockPublicPolicy") {
		q.note("S3 calls this bucket policy public, and refuses to store it: Public Access Block has BlockPublicPolicy on.")
	}
	if !on("restrictPublicBuckets") {
		return nil
	}
	restriction := UnknownPolicy()
	if truth == "1" {
		restriction = soleStatement(map[string]any{
			"Sid": "OtherAccounts", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
			"Condition": map[string]any{
				"StringNotEquals": map[string]string{"aws:PrincipalAccount": q.Request.Resource.AccountID},
				"BoolIfExists":    map[string]string{"aws:PrincipalIsAWSService": "false"},
			},
		})
		q.note("Public Access Block has RestrictPublicBuckets on: nobody of another account gets in by a policy that S3 calls public.")
	} else {
		q.note("Public Access Block has RestrictPublicBuckets on, and S3 does not say whether it calls this policy public.")
	}
	q.RCPs = append(slices.Clone(q.RCPs), Level{
		OrgIdentifier: "Public Access Block", Policies: []NamedPolicy{{Name: "RestrictPublicBuckets", Policy: restriction}},
	})
	return nil
}

// sameRole asks once more in the name of the role itself, where it has a path: the ARN of a session does not tell the path, but the role
// that a policy names is only there with it.
func (q *asking) sameRole() {
	if q.role == nil || q.role.text("path") == "" || q.role.text("path") == "/" {
		return
	}
	if strings.Contains(string(q.ResourcePolicy), q.Request.Principal) {
		return // It is the session that is named.
	}
	again := q.questions[0].Case
	if again.Request.Principal = q.role.arn("role"); again.Request.Principal == q.Request.Principal {
		return
	}
	q.questions = append(q.questions, Question{About: "the role by its whole name, " + again.Request.Principal, Case: again})
}

// keyActions is what S3 asks of a KMS key, in the name of the caller, for a request to an object that the key encrypts.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
var keyActions = map[string]string{
	"s3:getobject": "kms:Decrypt", "s3:getobjectversion": "kms:Decrypt", "s3:getobjectattributes": "kms:Decrypt",
	"s3:putobject": "kms:GenerateDataKey",
}

// key adds the question for the key that encrypts the bucket's objects.
func (q *asking) key() {
	action := keyActions[strings.ToLower(q.Request.Action)]
	encryptions := q.beside("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		"aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
	if action == "" || len(encryptions) == 0 {
		return
	}
	var settings struct {
		Rules []struct {
			BucketKeyEnabled any `json:"bucketKeyEnabled"`
			Default          struct {
				Algorithm string `json:"sseAlgorithm"`
				Key       any    `json:"kmsMasterKeyId"`
			} `json:"applyServerSideEncryptionByDefault"`
		} `json:"rules"`
	}
	if convert(encryptions[0].Inputs, &settings) != nil || len(settings.Rules) != 1 || IsUnknown(settings.Rules[0].Default.Algorithm) {
		q.note("How the bucket encrypts its objects is not known, so that a key may have a say besides.")
		return
	}
	rule := settings.Rules[0]
	if !strings.HasPrefix(rule.Default.Algorithm, "aws:kms") {
		return
	}
	id, _ := rule.Default.Key.(string)
	if id == "" && rule.Default.Key != nil {
		id = unknownString
	}
	key := q.findKey(id, encryptions[0].Dependencies["rules"])
	asked := q.questions[0].Case
	asked.RCPs = q.withoutBlock(asked.RCPs)
	asked.Request.Action = action
	asked.Request.Resource = Resource{ARN: key.arn, AccountID: key.account}
	asked.ResourcePolicy = key.policy

	context := maps.Clone(asked.Request.Context)
	maps.DeleteFunc(context, func(key string, _ any) bool { return strings.HasPrefix(strings.ToLower(key), "s3:") })
	context["aws:ResourceAccount"] = key.account
	context["kms:ViaService"] = "s3." + key.region + ".amazonaws.com"
	if account, known := context["aws:PrincipalAccount"]; known {
		context["kms:CallerAccount"] = account
	}
	if len(key.aliases) > 0 {
		context["kms:ResourceAliases"] = key.aliases
	}
	// With a bucket key the context is the bucket, else the object.
	context["kms:EncryptionContext:aws:s3:arn"] = q.Request.Resource.ARN
	if rule.BucketKeyEnabled == true {
		context["kms:EncryptionContext:aws:s3:arn"], _, _ = strings.Cut(q.Request.Resource.ARN, "/")
	}
	asked.Request.Context = context
	q.questions = append(q.questions, Question{About: action + " on the key that encrypts the object, " + key.arn, Case: asked})
}

func (q *asking) withoutBlock(levels []Level) []Level {
	return slices.DeleteFunc(slices.Clone(levels), func(level Level) bool { return level.OrgIdentifier == "Public Access Block" })
}

// key is a KMS key as a question about it needs it.
type key struct {
	arn, account, region string
	policy               json.RawMessage
	aliases              []string
}

// findKey finds the key that a bucket's encryption names by ARN, id or alias; from is what an id that is not known yet comes from.
func (q *asking) findKey(id string, from []string) key {
	account := q.bucket.Account
	if id == "" || strings.HasSuffix(id, "alias/aws/s3") {
		q.note("The objects are encrypted with the key aws/s3, which AWS manages and which cannot be used from another account: " +
			"that takes a key of one's own.")
		return q.managedKey(account)
	}
	isKey := func(r *stackResource) bool { return r.Type == "aws:kms/key:Key" }
	keys := q.all(isKey)
	i := slices.IndexFunc(keys, func(r *stackResource) bool { return q.means(id, from, r) })
	if i < 0 && IsUnknown(id) {
		// A preview does not show it, and does not always show where it comes from.
		keys = q.all(func(r *stackResource) bool { return isKey(r) && r.Stack == q.bucket.Stack })
		if len(keys) == 1 {
			i = 0
		}
	}
	if i < 0 {
		q.note("The key that encrypts the objects, %s, is not in these files: what its policy allows is not known.", shown(id))
		arn := id
		if !isARN(arn) || IsUnknown(arn) {
			arn = "arn:" + q.bucket.Partition + ":kms:" + q.region() + ":" + account + ":key/not-known-yet"
		}
		return key{arn: arn, account: AccountOf(arn), region: strings.Split(arn, ":")[3], policy: UnknownPolicy()}
	}
	return q.keyOf(keys[i])
}

func shown(id string) string {
	if IsUnknown(id) {
		return "whose id is not known yet"
	}
	return id
}

// means says whether an id or an alias, or what it comes from, is that of a key.
func (q *asking) means(id string, from []string, key *stackResource) bool {
	if isKeyID(id, from, key) {
		return true
	}
	return slices.ContainsFunc(q.aliasesOf(key), func(alias *stackResource) bool {
		name := alias.text("name")
		return name != "" && strings.HasSuffix(id, name) || IsUnknown(id) && slices.Contains(from, alias.URN)
	})
}

func isKeyID(id string, from []string, key *stackResource) bool {
	if IsUnknown(id) {
		return slices.Contains(from, key.URN)
	}
	arn, _ := key.Outputs.ARN.(string)
	return isARN(arn) && (id == arn || strings.HasSuffix(arn, ":key/"+id))
}

// aliasesOf are the aliases of a key.
func (q *asking) aliasesOf(key *stackResource) []*stackResource {
	return q.all(func(r *stackResource) bool {
		return r.Type == "aws:kms/alias:Alias" && r.Account == key.Account && isKeyID(r.text("targetKeyId"), r.Dependencies["targetKeyId"], key)
	})
}

// keyOf is a key of the stacks. One that is not made yet has a name of ours in the place of its id.
func (q *asking) keyOf(resource *stackResource) key {
	found := key{account: resource.Account, region: q.region(), policy: defaultKeyPolicy(resource)}
	if arn, known := resource.Outputs.ARN.(string); known && isARN(arn) {
		found.arn, found.region = arn, strings.Split(arn, ":")[3]
	} else {
		found.arn = "arn:" + resource.Partition + ":kms:" + found.region + ":" + found.account + ":key/" + resource.Name
		q.note("The key that encrypts the objects is not made yet: %s stands for its id.", resource.Name)
	}
	for _, alias := range q.aliasesOf(resource) {
		found.aliases = append(found.aliases, alias.text("name"))
	}
	for _, a := range q.attachments {
		carrier := q.byURN[a.URN]
		switch id, from := carrier.text("keyId"), carrier.Dependencies["keyId"]; {
		case a.Kind != "key":
		case carrier == resource, isKeyID(id, from, resource):
			found.policy = policyText(a.Text)
		case carrier.Stack == resource.Stack && IsUnknown(id) && len(from) == 0:
			found.policy = UnknownPolicy() // It may be this key's.
		}
	}
	return found
}

// region is the bucket's region.
func (q *asking) region() string {
	if regions := q.regions[q.bucket.Stack]; len(regions) == 1 {
		return regions[0]
	}
	return unknownString
}

// defaultKeyPolicy is the policy of a key that is made without one.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func defaultKeyPolicy(key *stackResource) json.RawMessage {
	return soleStatement(map[string]any{
		"Effect": "Allow", "Action": "kms:*", "Resource": "*",
		"Principal": map[string]string{"AWS": "arn:" + key.Partition + ":iam::" + key.Account + ":root"},
	})
}

// managedKey is the key aws/s3: its policy lets the principals of its own account use it through S3.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (q *asking) managedKey(account string) key {
	region := q.region()
	return key{arn: "arn:" + q.bucket.Partition + ":kms:" + region + ":" + account + ":key/aws-s3", account: account, region: region,
		policy: soleStatement(map[string]any{
			"Effect": "Allow", "Principal": map[string]string{"AWS": "*"}, "Resource": "*",
			"Action": []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"},
			"Condition": map[string]any{"StringEquals": map[string]string{
				"kms:CallerAccount": account, "kms:ViaService": "s3." + region + ".amazonaws.com",
			}},
		})}
}
