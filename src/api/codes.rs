//! The one table of error codes: `openapi/errors.md`, the schema's enum and every answer are made from it.

use axum::http::StatusCode;
use serde::Serialize;
use std::fmt::Write as _;
use utoipa::ToSchema;

macro_rules! codes {
    ($($name:ident $code:tt $status:ident $title:literal $remedy:literal)*) => {
        /// What went wrong, for programs. Codes never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// The status it comes with.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status,)* }
            }

            /// The same few words each time.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// What the caller can do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Code::$name => $remedy,)* }
            }
        }
    };
}

codes! {
    MalformedBody "malformed_body" BAD_REQUEST "The body is not what its type says"
        "Send what the `Content-Type` says, whole. For JSON, `detail` tells line and column."
    InvalidQuery "invalid_query" BAD_REQUEST "A query parameter is unknown or has no meaning"
        "Compare the parameters with the operation's in `/openapi.json`."
    InvalidPath "invalid_path" BAD_REQUEST "The path is not valid UTF-8"
        "Percent-encode the path's segments as UTF-8."
    InvalidHeader "invalid_header" BAD_REQUEST "A header has no meaning"
        "Mend the header that `detail` names."
    MissingCredentials "missing_credentials" UNAUTHORIZED "The service asks for a key"
        "Send the header `Authorization: Bearer KEY`."
    InvalidCredentials "invalid_credentials" UNAUTHORIZED "The key is not the service's"
        "Send the key that the operator has configured."
    DatasetNotFound "dataset_not_found" NOT_FOUND "There is no such dataset"
        "List the datasets with `GET /v1/datasets`; upload it again if it was deleted."
    JobNotFound "job_not_found" NOT_FOUND "There is no such job"
        "List the jobs with `GET /v1/jobs`."
    RouteNotFound "route_not_found" NOT_FOUND "There is nothing at this path"
        "See the paths in `/openapi.json`."
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "The path does not have this method"
        "Use one of the methods in the `Allow` header."
    NotAcceptable "not_acceptable" NOT_ACCEPTABLE "The answer cannot be written as any type in `Accept`"
        "Accept one of the types that `detail` lists."
    BodyTimeout "body_timeout" REQUEST_TIMEOUT "The body came to a halt"
        "Send the request again over a connection that keeps sending."
    DatasetInUse "dataset_in_use" CONFLICT "A live job needs the dataset"
        "Wait for the job that `detail` names, or cancel it."
    JobNotFinished "job_not_finished" CONFLICT "The job has no result yet"
        "Ask again when the job's state is `succeeded`, `failed` or `cancelled`."
    JobNotTerminal "job_not_terminal" CONFLICT "The job is still live"
        "Cancel it first, or wait until it ends."
    NoResult "no_result" CONFLICT "The job ended without a result"
        "The job's `error` says why."
    NotAwaitingAnswers "not_awaiting_answers" CONFLICT "The job asks nothing, and will not again"
        "Read its state and its result."
    WrongRound "wrong_round" CONFLICT "The job asks another round"
        "Get the questions again; `detail` has the round that the job is at."
    AnswersDiffer "answers_differ" CONFLICT "The round has been answered otherwise"
        "The first answers count. Submit a new job to change them."
    IdempotencyInProgress "idempotency_in_progress" CONFLICT "A request with this `Idempotency-Key` is under way"
        "Wait for the first request's answer, or send this one again in a moment."
    ResultExpired "result_expired" GONE "The result was removed by retention"
        "Submit the job again; the operator sets how long results are kept."
    DatasetExpired "dataset_expired" GONE "The dataset was removed by retention"
        "Upload it again; the operator sets how long datasets are kept."
    PayloadTooLarge "payload_too_large" PAYLOAD_TOO_LARGE "The body is larger than the limit"
        "Send less, or have the setting raised that `detail` names."
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "No decoder for this `Content-Type`"
        "Send one of the types that `detail` lists."
    UnsupportedEncoding "unsupported_encoding" UNSUPPORTED_MEDIA_TYPE "No decoder for this `Content-Encoding`"
        "Send the body as it is, or compressed by gzip or zstd."
    InvalidParameter "invalid_parameter" UNPROCESSABLE_ENTITY "A field is unknown, missing or out of range"
        "Mend the fields that `errors` points at."
    InvalidMatrix "invalid_matrix" UNPROCESSABLE_ENTITY "The matrix holds what is not a finite number"
        "Mend the row and column that `detail` names."
    InvalidRanking "invalid_ranking" UNPROCESSABLE_ENTITY "A ranking holds what is no candidate, or nothing"
        "Mend the voter and position that `detail` names, counted from 0, or the line, counted from 1."
    ShapeMismatch "shape_mismatch" UNPROCESSABLE_ENTITY "Sizes do not agree"
        "`detail` has the size that was expected and the size that was found."
    NegativeSimilarity "negative_similarity" UNPROCESSABLE_ENTITY "The objective refuses negative similarities"
        "Use a metric that has none, such as `cosine`."
    UnknownItem "unknown_item" UNPROCESSABLE_ENTITY "The dataset has no such item"
        "An item is a row index (a number) or an id (a string)."
    DuplicateItem "duplicate_item" UNPROCESSABLE_ENTITY "An item is given twice"
        "Give each item once."
    UnknownGroup "unknown_group" UNPROCESSABLE_ENTITY "No row is in this group"
        "Compare the name with the values of the column."
    InfeasibleConstraint "infeasible_constraint" UNPROCESSABLE_ENTITY "No set keeps to the constraints"
        "`detail` says what is needed and what is available."
    OptimizerMismatch "optimizer_mismatch" UNPROCESSABLE_ENTITY "The optimizer cannot serve this objective and these constraints"
        "Use `auto`, or one of the optimizers that `detail` names."
    EstimateExceedsLimit "estimate_exceeds_limit" UNPROCESSABLE_ENTITY "The job would need more than the service allows"
        "`detail` has what is needed, what is allowed and what would fit."
    PrefixNotValid "prefix_not_valid" UNPROCESSABLE_ENTITY "The result has no such prefix"
        "Submit a job with the smaller `k`."
    NoPlot "no_plot" UNPROCESSABLE_ENTITY "There is no such picture of the job"
        "Leave `what` out, or ask for a picture that `detail` names; selections have none."
    IdempotencyMismatch "idempotency_mismatch" UNPROCESSABLE_ENTITY "The `Idempotency-Key` belongs to another request"
        "Use a new key for a new request."
    SourceNotAllowed "source_not_allowed" UNPROCESSABLE_ENTITY "Nothing may be read from there"
        "Use a source under one of the prefixes that the operator has configured, or upload the bytes."
    QueueFull "queue_full" TOO_MANY_REQUESTS "No more jobs may wait"
        "Send the request again after `Retry-After` seconds."
    TooManyRequests "too_many_requests" TOO_MANY_REQUESTS "Too many requests of this kind are under way"
        "Try again after `Retry-After` seconds. A job can be polled instead of waited for."
    Internal "internal" INTERNAL_SERVER_ERROR "The service failed"
        "The service's log has the cause under `request_id`."
    SourceFailed "source_failed" BAD_GATEWAY "The source cannot be read"
        "Look whether the source of `detail` exists and may be read by the service."
    SourceTimeout "source_timeout" GATEWAY_TIMEOUT "The source sent nothing for too long"
        "Try again, or upload the bytes."
    NotReady "not_ready" SERVICE_UNAVAILABLE "The service cannot work"
        "`detail` says why; ask again after `Retry-After` seconds."
    ShuttingDown "shutting_down" SERVICE_UNAVAILABLE "The service is stopping"
        "Send the request again after `Retry-After` seconds; jobs that were accepted go on after the restart."
    InsufficientStorage "insufficient_storage" INSUFFICIENT_STORAGE "The disk is full"
        "Delete datasets and jobs, or have the disk enlarged."
}

impl Code {
    /// The code a domain error names.
    pub fn of(code: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }

    /// The code of a status that was answered without one, by the router or the server itself.
    pub(super) fn of_status(status: StatusCode) -> Code {
        match status {
            StatusCode::NOT_FOUND => Code::RouteNotFound,
            StatusCode::UNAUTHORIZED => Code::MissingCredentials,
            StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
            StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
            StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Code::BodyTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Code::NotReady,
            other if other.is_client_error() => Code::MalformedBody,
            _ => Code::Internal,
        }
    }

    /// Where its page is: the `type` of a problem.
    pub fn page(self) -> String {
        format!("/errors/{}", self.as_str())
    }
}

/// The table as Markdown: `openapi/errors.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Error codes\n\nEvery answer of status 400 or above is `application/problem+json` (RFC 9457) with one of these codes. \
         Only what is no HTTP at all never reaches the service: the server library answers it with a bare 400, 414 (the \
         path is too long) or 431 (the headers are) and closes the connection.\n\n\
         | status | code | title | what to do |\n|---|---|---|---|\n",
    );
    for code in Code::ALL {
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} |",
            code.status().as_u16(),
            code.as_str(),
            code.title(),
            code.remedy()
        );
    }
    page
}
