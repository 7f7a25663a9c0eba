"""Fields of statuses and comments that say how the platform shows them, counts, or repeats another field."""

NOISE = frozenset({
    "advertises", "alchemy_params", "analysis_extra", "attitudes_count", "attitudes_status", "biz_feature",
    "biz_ids", "buttons", "can_edit", "can_remark", "cardid", "comment_manage_info", "comments_count",
    "content_auth", "darwin_tags", "deleted", "disable_reply", "edit_at", "edit_count", "favorited",
    "floor_number", "gif_ids", "hasActionTypeCard", "hide_flag", "hot_weibo_tags", "in_reply_to_screen_name",
    "in_reply_to_status_id", "in_reply_to_user_id", "is_mblog_annotation", "is_paid", "is_show_bulletin",
    "is_show_mixed", "like_counts", "liked", "max_id", "mblog_menu_new_style", "mblog_vip_type", "mblogtype",
    "mixed_count", "mlevel", "more_info_type", "pending_approval_count", "picStatus", "pic_ids", "pic_num",
    "pic_types", "pic_video", "pid", "positive_recom_flag", "readtimetype", "repost_type", "reposts_count",
    "reprint_cmt_count", "reward_exhibition_type", "rid", "rootid", "rootidstr", "show_additional_indication",
    "source_allowclick", "source_type", "status_id", "stickerID", "textLength", "text_tag_tips", "total_number",
    "userType", "user_type", "visible", "weibo_position",
})  # fmt: skip
