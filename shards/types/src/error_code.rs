//! Kafka's error codes, as they go over the wire.

use std::fmt;

macro_rules! error_codes {
    ($($code:literal $name:ident $kafka:literal $retriable:ident,)*) => {
        /// One of Kafka's error codes (`org.apache.kafka.common.protocol.Errors` of 4.3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $($name = $code,)*
        }

        impl ErrorCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code with this number, or `None` for a number Kafka 4.3 does not know.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Kafka's own name, such as `NOT_LEADER_OR_FOLLOWER`.
            #[must_use]
            pub const fn kafka_name(self) -> &'static str {
                match self {
                    $(Self::$name => $kafka,)*
                }
            }

            /// Whether Kafka's clients try again by themselves.
            #[must_use]
            pub const fn is_retriable(self) -> bool {
                match self {
                    $(Self::$name => error_codes!(@ $retriable),)*
                }
            }
        }
    };
    (@ final_) => { false };
    (@ retry) => { true };
}

error_codes! {
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR" final_,
    0 None "NONE" final_,
    1 OffsetOutOfRange "OFFSET_OUT_OF_RANGE" final_,
    2 CorruptMessage "CORRUPT_MESSAGE" retry,
    3 UnknownTopicOrPartition "UNKNOWN_TOPIC_OR_PARTITION" retry,
    4 InvalidFetchSize "INVALID_FETCH_SIZE" final_,
    5 LeaderNotAvailable "LEADER_NOT_AVAILABLE" retry,
    6 NotLeaderOrFollower "NOT_LEADER_OR_FOLLOWER" retry,
    7 RequestTimedOut "REQUEST_TIMED_OUT" retry,
    8 BrokerNotAvailable "BROKER_NOT_AVAILABLE" final_,
    9 ReplicaNotAvailable "REPLICA_NOT_AVAILABLE" retry,
    10 MessageTooLarge "MESSAGE_TOO_LARGE" final_,
    11 StaleControllerEpoch "STALE_CONTROLLER_EPOCH" final_,
    12 OffsetMetadataTooLarge "OFFSET_METADATA_TOO_LARGE" final_,
    13 NetworkException "NETWORK_EXCEPTION" retry,
    14 CoordinatorLoadInProgress "COORDINATOR_LOAD_IN_PROGRESS" retry,
    15 CoordinatorNotAvailable "COORDINATOR_NOT_AVAILABLE" retry,
    16 NotCoordinator "NOT_COORDINATOR" retry,
    17 InvalidTopicException "INVALID_TOPIC_EXCEPTION" final_,
    18 RecordListTooLarge "RECORD_LIST_TOO_LARGE" final_,
    19 NotEnoughReplicas "NOT_ENOUGH_REPLICAS" retry,
    20 NotEnoughReplicasAfterAppend "NOT_ENOUGH_REPLICAS_AFTER_APPEND" retry,
    21 InvalidRequiredAcks "INVALID_REQUIRED_ACKS" final_,
    22 IllegalGeneration "ILLEGAL_GENERATION" final_,
    23 InconsistentGroupProtocol "INCONSISTENT_GROUP_PROTOCOL" final_,
    24 InvalidGroupId "INVALID_GROUP_ID" final_,
    25 UnknownMemberId "UNKNOWN_MEMBER_ID" final_,
    26 InvalidSessionTimeout "INVALID_SESSION_TIMEOUT" final_,
    27 RebalanceInProgress "REBALANCE_IN_PROGRESS" final_,
    28 InvalidCommitOffsetSize "INVALID_COMMIT_OFFSET_SIZE" final_,
    29 TopicAuthorizationFailed "TOPIC_AUTHORIZATION_FAILED" final_,
    30 GroupAuthorizationFailed "GROUP_AUTHORIZATION_FAILED" final_,
    31 ClusterAuthorizationFailed "CLUSTER_AUTHORIZATION_FAILED" final_,
    32 InvalidTimestamp "INVALID_TIMESTAMP" final_,
    33 UnsupportedSaslMechanism "UNSUPPORTED_SASL_MECHANISM" final_,
    34 IllegalSaslState "ILLEGAL_SASL_STATE" final_,
    35 UnsupportedVersion "UNSUPPORTED_VERSION" final_,
    36 TopicAlreadyExists "TOPIC_ALREADY_EXISTS" final_,
    37 InvalidPartitions "INVALID_PARTITIONS" final_,
    38 InvalidReplicationFactor "INVALID_REPLICATION_FACTOR" final_,
    39 InvalidReplicaAssignment "INVALID_REPLICA_ASSIGNMENT" final_,
    40 InvalidConfig "INVALID_CONFIG" final_,
    41 NotController "NOT_CONTROLLER" retry,
    42 InvalidRequest "INVALID_REQUEST" final_,
    43 UnsupportedForMessageFormat "UNSUPPORTED_FOR_MESSAGE_FORMAT" final_,
    44 PolicyViolation "POLICY_VIOLATION" final_,
    45 OutOfOrderSequenceNumber "OUT_OF_ORDER_SEQUENCE_NUMBER" final_,
    46 DuplicateSequenceNumber "DUPLICATE_SEQUENCE_NUMBER" final_,
    47 InvalidProducerEpoch "INVALID_PRODUCER_EPOCH" final_,
    48 InvalidTxnState "INVALID_TXN_STATE" final_,
    49 InvalidProducerIdMapping "INVALID_PRODUCER_ID_MAPPING" final_,
    50 InvalidTransactionTimeout "INVALID_TRANSACTION_TIMEOUT" final_,
    51 ConcurrentTransactions "CONCURRENT_TRANSACTIONS" retry,
    52 TransactionCoordinatorFenced "TRANSACTION_COORDINATOR_FENCED" final_,
    53 TransactionalIdAuthorizationFailed "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" final_,
    54 SecurityDisabled "SECURITY_DISABLED" final_,
    55 OperationNotAttempted "OPERATION_NOT_ATTEMPTED" final_,
    56 KafkaStorageError "KAFKA_STORAGE_ERROR" retry,
    57 LogDirNotFound "LOG_DIR_NOT_FOUND" final_,
    58 SaslAuthenticationFailed "SASL_AUTHENTICATION_FAILED" final_,
    59 UnknownProducerId "UNKNOWN_PRODUCER_ID" final_,
    60 ReassignmentInProgress "REASSIGNMENT_IN_PROGRESS" final_,
    61 DelegationTokenAuthDisabled "DELEGATION_TOKEN_AUTH_DISABLED" final_,
    62 DelegationTokenNotFound "DELEGATION_TOKEN_NOT_FOUND" final_,
    63 DelegationTokenOwnerMismatch "DELEGATION_TOKEN_OWNER_MISMATCH" final_,
    64 DelegationTokenRequestNotAllowed "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" final_,
    65 DelegationTokenAuthorizationFailed "DELEGATION_TOKEN_AUTHORIZATION_FAILED" final_,
    66 DelegationTokenExpired "DELEGATION_TOKEN_EXPIRED" final_,
    67 InvalidPrincipalType "INVALID_PRINCIPAL_TYPE" final_,
    68 NonEmptyGroup "NON_EMPTY_GROUP" final_,
    69 GroupIdNotFound "GROUP_ID_NOT_FOUND" final_,
    70 FetchSessionIdNotFound "FETCH_SESSION_ID_NOT_FOUND" retry,
    71 InvalidFetchSessionEpoch "INVALID_FETCH_SESSION_EPOCH" retry,
    72 ListenerNotFound "LISTENER_NOT_FOUND" retry,
    73 TopicDeletionDisabled "TOPIC_DELETION_DISABLED" final_,
    74 FencedLeaderEpoch "FENCED_LEADER_EPOCH" retry,
    75 UnknownLeaderEpoch "UNKNOWN_LEADER_EPOCH" retry,
    76 UnsupportedCompressionType "UNSUPPORTED_COMPRESSION_TYPE" final_,
    77 StaleBrokerEpoch "STALE_BROKER_EPOCH" final_,
    78 OffsetNotAvailable "OFFSET_NOT_AVAILABLE" retry,
    79 MemberIdRequired "MEMBER_ID_REQUIRED" final_,
    80 PreferredLeaderNotAvailable "PREFERRED_LEADER_NOT_AVAILABLE" retry,
    81 GroupMaxSizeReached "GROUP_MAX_SIZE_REACHED" final_,
    82 FencedInstanceId "FENCED_INSTANCE_ID" final_,
    83 EligibleLeadersNotAvailable "ELIGIBLE_LEADERS_NOT_AVAILABLE" retry,
    84 ElectionNotNeeded "ELECTION_NOT_NEEDED" retry,
    85 NoReassignmentInProgress "NO_REASSIGNMENT_IN_PROGRESS" final_,
    86 GroupSubscribedToTopic "GROUP_SUBSCRIBED_TO_TOPIC" final_,
    87 InvalidRecord "INVALID_RECORD" final_,
    88 UnstableOffsetCommit "UNSTABLE_OFFSET_COMMIT" retry,
    89 ThrottlingQuotaExceeded "THROTTLING_QUOTA_EXCEEDED" retry,
    90 ProducerFenced "PRODUCER_FENCED" final_,
    91 ResourceNotFound "RESOURCE_NOT_FOUND" final_,
    92 DuplicateResource "DUPLICATE_RESOURCE" final_,
    93 UnacceptableCredential "UNACCEPTABLE_CREDENTIAL" final_,
    94 InconsistentVoterSet "INCONSISTENT_VOTER_SET" final_,
    95 InvalidUpdateVersion "INVALID_UPDATE_VERSION" final_,
    96 FeatureUpdateFailed "FEATURE_UPDATE_FAILED" final_,
    97 PrincipalDeserializationFailure "PRINCIPAL_DESERIALIZATION_FAILURE" final_,
    98 SnapshotNotFound "SNAPSHOT_NOT_FOUND" final_,
    99 PositionOutOfRange "POSITION_OUT_OF_RANGE" final_,
    100 UnknownTopicId "UNKNOWN_TOPIC_ID" retry,
    101 DuplicateBrokerRegistration "DUPLICATE_BROKER_REGISTRATION" final_,
    102 BrokerIdNotRegistered "BROKER_ID_NOT_REGISTERED" final_,
    103 InconsistentTopicId "INCONSISTENT_TOPIC_ID" retry,
    104 InconsistentClusterId "INCONSISTENT_CLUSTER_ID" final_,
    105 TransactionalIdNotFound "TRANSACTIONAL_ID_NOT_FOUND" final_,
    106 FetchSessionTopicIdError "FETCH_SESSION_TOPIC_ID_ERROR" retry,
    107 IneligibleReplica "INELIGIBLE_REPLICA" final_,
    108 NewLeaderElected "NEW_LEADER_ELECTED" final_,
    109 OffsetMovedToTieredStorage "OFFSET_MOVED_TO_TIERED_STORAGE" final_,
    110 FencedMemberEpoch "FENCED_MEMBER_EPOCH" final_,
    111 UnreleasedInstanceId "UNRELEASED_INSTANCE_ID" final_,
    112 UnsupportedAssignor "UNSUPPORTED_ASSIGNOR" final_,
    113 StaleMemberEpoch "STALE_MEMBER_EPOCH" final_,
    114 MismatchedEndpointType "MISMATCHED_ENDPOINT_TYPE" final_,
    115 UnsupportedEndpointType "UNSUPPORTED_ENDPOINT_TYPE" final_,
    116 UnknownControllerId "UNKNOWN_CONTROLLER_ID" final_,
    117 UnknownSubscriptionId "UNKNOWN_SUBSCRIPTION_ID" final_,
    118 TelemetryTooLarge "TELEMETRY_TOO_LARGE" final_,
    119 InvalidRegistration "INVALID_REGISTRATION" final_,
    120 TransactionAbortable "TRANSACTION_ABORTABLE" final_,
    121 InvalidRecordState "INVALID_RECORD_STATE" final_,
    122 ShareSessionNotFound "SHARE_SESSION_NOT_FOUND" retry,
    123 InvalidShareSessionEpoch "INVALID_SHARE_SESSION_EPOCH" retry,
    124 FencedStateEpoch "FENCED_STATE_EPOCH" final_,
    125 InvalidVoterKey "INVALID_VOTER_KEY" final_,
    126 DuplicateVoter "DUPLICATE_VOTER" final_,
    127 VoterNotFound "VOTER_NOT_FOUND" final_,
    128 InvalidRegularExpression "INVALID_REGULAR_EXPRESSION" final_,
    129 RebootstrapRequired "REBOOTSTRAP_REQUIRED" final_,
    130 StreamsInvalidTopology "STREAMS_INVALID_TOPOLOGY" final_,
    131 StreamsInvalidTopologyEpoch "STREAMS_INVALID_TOPOLOGY_EPOCH" final_,
    132 StreamsTopologyFenced "STREAMS_TOPOLOGY_FENCED" final_,
    133 ShareSessionLimitReached "SHARE_SESSION_LIMIT_REACHED" retry,
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether this is no error at all.
    #[must_use]
    pub const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kafka_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_number() {
        for &code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(code.code()), Some(code));
        }
        assert_eq!(ErrorCode::from_code(9999), None);
    }
}
