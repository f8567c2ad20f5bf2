//! Components with plain props. None of them knows an endpoint.

mod bars;
mod button;
mod callout;
mod checklist;
mod clock;
mod code;
mod dialog;
mod field;
mod icon;
mod log_view;
mod radio;
mod remote;
mod secret;
mod status;
mod table;
mod tabs;
mod title;

pub(crate) use bars::BackupBar;
pub(crate) use button::{Button, ButtonKind, SubmitButton};
pub(crate) use callout::{Callout, EmptyState, ErrorState, FormError};
pub(crate) use checklist::Checklist;
pub(crate) use clock::{Ago, Clock, Moment, provide_clock};
pub(crate) use code::{CodeBlock, CopyButton};
pub(crate) use dialog::{ConfirmDialog, Dialog, FormDialog};
pub(crate) use field::{CheckField, PasswordField, SelectField, TextArea, TextField};
pub(crate) use icon::{Glyph, Icon, Mark};
pub(crate) use log_view::LogView;
pub(crate) use radio::RadioCards;
pub(crate) use remote::{Remote, RemoteView, remote};
pub(crate) use secret::SecretField;
pub(crate) use status::{Pill, StatusBadge};
pub(crate) use table::{Pager, SkeletonRows, SortHeader};
pub(crate) use tabs::Tabs;
pub(crate) use title::Title;
