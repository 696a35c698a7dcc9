package components

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Consumer is a role of another account that may use the bucket besides the function's.
type Consumer struct {
	// Name tells it from the others, in the statements' Sids, and is that of its access point: lowercase letters, digits and hyphens.
	Name string
	// Stack is what exports the role, as organization/project/stack; empty where the setting names the role itself.
	Stack string
	// Role is the role; of one that the setting names, the unique id can be empty.
	Role ComputeRole
	// Permissions are what is allowed; at least one.
	Permissions []Permission
	// Prefixes are the folders that it is kept to, each ending in a slash; none is the whole bucket.
	Prefixes []string
}

// Consumers are those who may use the bucket besides the function, and how they get to it.
type Consumers struct {
	// Each is in the order of the setting.
	Each []Consumer
	// AccessPoints gives each an access point of its own, which has its permissions; otherwise the bucket policy has them.
	AccessPoints bool
	// AccountID is the account of the bucket and of the access points.
	AccountID string
}

// accessPointForm is the form of an access point's name; none ends in -s3alias, either.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-restrictions-limitations-naming-rules.html
var accessPointForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$`)

// consumerKeys are what there is to say of a consumer.
var consumerKeys = []string{"name", "stack", "roleArn", "roleUniqueId", "permissions", "prefixes"}

// consumers reads the consumers. Of one that a stack exports, the role is not known yet.
func (r *reader) consumers(key string) []Consumer {
	text := r.text(key)
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		r.refuse(key, text, "a list of objects with "+strings.Join(consumerKeys, ", "))
		return nil
	}
	var consumers []Consumer
	for i, entry := range entries {
		consumers = append(consumers, r.consumer(fmt.Sprintf("%s[%d]", key, i), entry, consumers))
	}
	return consumers
}

// consumer reads one consumer, which has to differ from those before it.
func (r *reader) consumer(key string, entry map[string]json.RawMessage, before []Consumer) Consumer {
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		if !slices.Contains(consumerKeys, name) {
			r.problems = append(r.problems, fmt.Errorf("  %s.%s is not a setting; a consumer has %s",
				r.qualified(key), name, strings.Join(consumerKeys, ", ")))
		}
	}
	field := func(name string) (text string) {
		if value, given := entry[name]; given && json.Unmarshal(value, &text) != nil {
			r.refuse(key+"."+name, string(value), "a text")
		}
		return text
	}
	c := Consumer{Name: field("name"), Stack: field("stack"), Role: ComputeRole{ARN: field("roleArn"), UniqueID: field("roleUniqueId")}}
	same := func(other Consumer) bool { return sidOf(other.Name) == sidOf(c.Name) }
	switch {
	case !accessPointForm.MatchString(c.Name) || strings.HasSuffix(c.Name, "-s3alias"):
		r.refuse(key+".name", c.Name, "a name that an access point can have: 3 to 50 lowercase letters, digits and hyphens, beginning and "+
			"ending with a letter or digit, and not ending in -s3alias")
	case slices.ContainsFunc(before, same):
		r.refuse(key+".name", c.Name, "another name than that of the consumers before it, by more than hyphens")
	}
	switch sameStack := func(other Consumer) bool { return other.Stack == c.Stack }; {
	case c.Stack == "" && c.Role.ARN == "":
		r.refuse(key, c.Name, "given a role, either by stack or by roleArn")
	case c.Stack != "" && c.Role.ARN+c.Role.UniqueID != "":
		r.refuse(key, c.Name, "given either a stack, which exports its role, or roleArn with roleUniqueId")
	case c.Stack == "":
		if c.Role.UniqueID != "" && !roleUniqueIDForm.MatchString(c.Role.UniqueID) {
			r.refuse(key+".roleUniqueId", c.Role.UniqueID, "the unique id of a role, which begins with AROA")
		}
	case !stackForm.MatchString(c.Stack):
		r.refuse(key+".stack", c.Stack, "a stack with its organization and project, as in organization/cross-account-s3/account-c")
	case slices.ContainsFunc(before, sameStack):
		r.refuse(key+".stack", c.Stack, "named only once")
	}
	c.Permissions = r.checkedPermissions(key+".permissions", string(entry["permissions"]))
	c.Prefixes = r.consumerPrefixes(key+".prefixes", entry["prefixes"])
	return c
}

// consumerPrefixes reads the folders of a consumer.
func (r *reader) consumerPrefixes(key string, text json.RawMessage) []string {
	if text == nil {
		return nil
	}
	var values []string
	if err := json.Unmarshal(text, &values); err != nil {
		r.refuse(key, string(text), "a list of folders, as in [\"data/\"]; without any it is the whole bucket")
		return nil
	}
	var prefixes []string
	for i, value := range values {
		key := fmt.Sprintf("%s[%d]", key, i)
		prefix := r.folder(key, value)
		switch {
		case value == "":
			r.refuse(key, value, "a folder; the whole bucket is a list without any")
		case slices.Contains(prefixes, prefix):
			r.refuse(key, value, "named only once")
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

// consumerRoles checks the roles that the setting itself names.
func (r *reader) consumerRoles(key string, s *Settings) {
	for i, consumer := range s.Consumers.Each {
		if consumer.Role.ARN == "" {
			continue
		}
		if allowed := s.consumerRole(consumer.Role.ARN, s.Consumers.Each[:i]); allowed != "" {
			r.refuse(fmt.Sprintf("%s[%d].roleArn", key, i), consumer.Role.ARN, allowed)
		}
	}
}

// consumerRole says what the role of a consumer, after those before it, has to be instead; empty where it can be one.
func (s *Settings) consumerRole(arn string, before []Consumer) string {
	match := roleARNForm.FindStringSubmatch(arn)
	switch {
	case match == nil:
		return "the ARN of a role, without wildcards"
	case !strings.HasPrefix(arn, "arn:"+s.Access.Partition+":"):
		return fmt.Sprintf("a role of the partition %s, which aws:region is in", s.Access.Partition)
	case match[1] == s.DataAccountID:
		return "a role of another account than dataAccountId, where a role's own policies are enough"
	case arn == s.RoleARN():
		return "another role than that of the function, which computeAccountId and roleName let in already"
	case slices.ContainsFunc(before, func(other Consumer) bool { return other.Role.ARN == arn }):
		return "named only once"
	}
	return ""
}

// ReadConsumers reads the roles of those consumers whose stacks export them. A stack that is missing or was never deployed, and a role that
// cannot be a consumer's, is an error that says what to do; nothing has been registered then.
func ReadConsumers(ctx *pulumi.Context, settings *Settings) (Consumers, error) {
	consumers := settings.Consumers
	consumers.Each = slices.Clone(consumers.Each)
	for i, consumer := range consumers.Each {
		if consumer.Stack == "" {
			continue
		}
		stack, err := readStack(ctx, consumer.Stack, "deploy the consumer first: "+upOf(ctx, consumer.Stack), RoleARNOutput, RoleUniqueIDOutput)
		if err != nil {
			return Consumers{}, fmt.Errorf("consumer %s: %w", consumer.Name, err)
		}
		role, err := stack.role()
		if err != nil {
			return Consumers{}, fmt.Errorf("consumer %s: %w", consumer.Name, err)
		}
		// A later one can have been named by its ARN.
		others := slices.Concat(consumers.Each[:i], consumers.Each[i+1:])
		if allowed := settings.consumerRole(role.ARN, others); allowed != "" {
			return Consumers{}, fmt.Errorf("consumer %s: stack %s has the role %s, which has to be %s",
				consumer.Name, consumer.Stack, role.ARN, allowed)
		}
		consumers.Each[i].Role = role
	}
	return consumers, nil
}

// sidOf is a name in the letters that a Sid can have, each of its words with a capital.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
func sidOf(name string) string {
	var sid strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			sid.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return sid.String()
}

// arns are those of the roles.
func (c Consumers) arns() []string {
	var arns []string
	for _, consumer := range c.Each {
		arns = append(arns, consumer.Role.ARN)
	}
	return arns
}

// grants are the statements of the bucket policy that let the consumers in. With access points it is one, which leaves it to these who gets
// what: through those of the bucket's own account, of which others could have some for the bucket as well, and to the consumers alone,
// because a principal that is not named would be anybody whom an access point lets in some day.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html#access-points-delegating-control
func (c Consumers) grants(access Access) []policy.Statement {
	bucket := access.bucket()
	if len(c.Each) == 0 {
		return nil
	}
	if !c.AccessPoints {
		var grants []policy.Statement
		for _, consumer := range c.Each {
			grants = append(grants, consumer.grants(bucket, sidOf(consumer.Name))...)
		}
		return grants
	}
	var actions, resources []string
	for _, consumer := range c.Each {
		for _, grant := range consumer.grants(bucket, "") {
			actions = append(actions, grant.Action.Values()...)
			if grant.Sid == listSid {
				resources = append(resources, bucket.arn)
			} else {
				resources = append(resources, bucket.objects+"*")
			}
		}
	}
	return []policy.Statement{{
		Sid:       "LeaveToAccessPoints",
		Effect:    policy.EffectAllow,
		Principal: policy.NewAWSPrincipal(slices.Sorted(slices.Values(c.arns()))...),
		Action:    values(distinct(actions)...),
		Resource:  values(distinct(resources)...),
		Condition: condition("StringEquals", "s3:DataAccessPointAccount", c.AccountID),
	}}
}

// grants are what lets the consumer in to a bucket or an access point.
func (c Consumer) grants(to place, sid string) []policy.Statement {
	return grants(to, c.Permissions, c.Prefixes, policy.NewAWSPrincipal(c.Role.ARN), sid)
}

// keyGrants are the statements of the key's policy for the consumers. There is one for all who may do the same: a key policy has room for
// many ARNs, but not for as many statements.
func (c Consumers) keyGrants(access Access) []policy.Statement {
	roles := map[string][]string{} // by what they may do
	for _, consumer := range c.Each {
		uses := access
		uses.Permissions = consumer.Permissions
		actions := slices.Sorted(slices.Values(uses.keyUse()))
		what := strings.Join(actions, " ")
		roles[what] = append(roles[what], consumer.Role.ARN)
	}
	var grants []policy.Statement
	for _, kind := range []struct {
		sid     string
		actions []string
	}{
		{"ReadAndWriteThroughS3", []string{keyActions[Read], keyActions[Write]}},
		{"ReadThroughS3", []string{keyActions[Read]}},
		{"WriteThroughS3", []string{keyActions[Write]}},
	} {
		if who := roles[strings.Join(kind.actions, " ")]; len(who) > 0 {
			grants = append(grants, access.keyGrant(kind.sid, kind.actions, who...))
		}
	}
	return grants
}

// id is the Id of the policies that name the consumers. Like S3, KMS keeps the unique id of a role, and not its ARN: the policies have to
// be written again when a role was made again, although its ARN is the same. A hash of the unique ids changes their text then. To be
// replaced for it, as they are for the function's role, would leave everybody without a policy for a moment whenever a consumer is added.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_id.html
func (c Consumers) id() string {
	if len(c.Each) == 0 {
		return ""
	}
	var roles []string
	for _, consumer := range c.Each {
		roles = append(roles, consumer.Role.ARN+" "+consumer.Role.UniqueID)
	}
	slices.Sort(roles)
	sum := sha256.Sum256([]byte(strings.Join(roles, "\n")))
	return "consumers-" + hex.EncodeToString(sum[:8])
}

// The limits of the policies that name consumers. AWS counts after it has brought a policy into a form of its own; these have no white
// space that it could leave out.
//
//   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
//   - https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-restrictions-limitations-naming-rules.html
//   - https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
const (
	mostBucketPolicy = 20 << 10
	mostKeyPolicy    = 32 << 10
)

// fits refuses a policy that AWS would find too long, and says what to do instead.
func fits(what, document string, most int, instead string) error {
	if len(document) <= most {
		return nil
	}
	return fmt.Errorf("the policy of %s has %d bytes, and AWS takes %d; %s", what, len(document), most, instead)
}

// instead says what to do where the policy of the bucket becomes too long.
func (c Consumers) instead() string {
	if c.AccessPoints {
		return "name fewer consumers"
	}
	return "set consumerAccessPoints to true, which gives each consumer a policy of its own, or name fewer consumers and prefixes"
}

// distinct are the texts, each once.
func distinct(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

// ConsumerAccessPointsArgs are the inputs of ConsumerAccessPoints.
type ConsumerAccessPointsArgs struct {
	// Bucket is the bucket, and BucketName its name, which is known before it is there.
	Bucket     *SharedBucket
	BucketName string
	// Place is where it is.
	Place Place
	// Consumers are whom the access points are for.
	Consumers []Consumer
}

// ConsumerAccessPoints are access points of a bucket, one for each consumer, with the policy that lets it in.
type ConsumerAccessPoints struct {
	pulumi.ResourceState

	// Each is {"arn", "alias"} by the consumer's name. A request names the bucket by either; policies know the ARN alone.
	Each pulumi.Map
}

// NewConsumerAccessPoints registers an access point for each consumer.
func NewConsumerAccessPoints(
	ctx *pulumi.Context, name string, args *ConsumerAccessPointsArgs, opts ...pulumi.ResourceOption,
) (*ConsumerAccessPoints, error) {
	documents := map[string]string{}
	for _, consumer := range args.Consumers {
		document, err := consumer.accessPointDocument(args.Place)
		if err == nil {
			err = fits("the access point "+consumer.Name, document, mostBucketPolicy, "name fewer prefixes, or a folder above them")
		}
		if err != nil {
			return nil, err
		}
		documents[consumer.Name] = document
	}
	component := &ConsumerAccessPoints{Each: pulumi.Map{}}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:ConsumerAccessPoints", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering access points %s: %w", name, err)
	}
	for _, consumer := range args.Consumers {
		point, err := s3.NewAccessPoint(ctx, consumer.Name, &s3.AccessPointArgs{
			Bucket: args.Bucket.Name,
			Name:   pulumi.String(consumer.Name),
			Policy: pulumi.String(documents[consumer.Name]),
			PublicAccessBlockConfiguration: s3.AccessPointPublicAccessBlockConfigurationArgs{
				BlockPublicAcls:       pulumi.Bool(true),
				BlockPublicPolicy:     pulumi.Bool(true),
				IgnorePublicAcls:      pulumi.Bool(true),
				RestrictPublicBuckets: pulumi.Bool(true),
			},
		},
			pulumi.Parent(component),
			// With the policy of the bucket in force, plain http is refused from the first request on.
			pulumi.DependsOn([]pulumi.Resource{args.Bucket.last}),
			// Its name stays the same on another bucket, and there cannot be two.
			pulumi.DeleteBeforeReplace(true),
		)
		if err != nil {
			return nil, fmt.Errorf("registering the access point %s of bucket %s: %w", consumer.Name, args.BucketName, err)
		}
		component.Each[consumer.Name] = pulumi.Map{"arn": point.Arn, "alias": point.Alias}
	}
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"each": component.Each}); err != nil {
		return nil, fmt.Errorf("registering the outputs of access points %s: %w", name, err)
	}
	return component, nil
}

// accessPointDocument is the policy of the consumer's access point. What nobody may do, the bucket policy says: S3 asks both.
func (c Consumer) accessPointDocument(where Place) (string, error) {
	arn := where.arn("s3", "accesspoint/"+c.Name)
	return renderAs(Consumers{Each: []Consumer{c}}.id(), c.grants(place{arn: arn, objects: arn + "/object/"}, ""))
}
