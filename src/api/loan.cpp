#include <utility>

#include <mqxx/loan.hpp>

#include "api/failure.hpp"
#include "backend/backend.hpp"

namespace mqxx {

SendLoan::SendLoan(SendLoan&& other) noexcept
    : home_(std::move(other.home_)), bytes_(std::exchange(other.bytes_, {})), slot_(other.slot_) {}

SendLoan& SendLoan::operator=(SendLoan&& other) noexcept {
  if (this != &other) {
    drop();
    home_ = std::move(other.home_);
    bytes_ = std::exchange(other.bytes_, {});
    slot_ = other.slot_;
  }
  return *this;
}

SendLoan::~SendLoan() { drop(); }

void SendLoan::send(std::size_t size, Priority priority) {
  const std::string_view name = home_ == nullptr ? std::string_view() : home_->name();
  const api::Facts facts{.size = size, .limit = bytes_.size(), .priority = priority};
  if (home_ == nullptr) api::throw_failure({Errc::closed}, "send", name, facts);
  if (size > bytes_.size()) api::throw_failure({Errc::message_too_big}, "send", name, facts);
  api::success_or_throw(home_->send_loan(slot_, size, priority), "send", name, facts);
  home_.reset();
  bytes_ = {};
}

void SendLoan::drop() noexcept {
  if (home_ != nullptr) home_->drop_loan(slot_);
  home_.reset();
  bytes_ = {};
}

ReceiveLoan::ReceiveLoan(ReceiveLoan&& other) noexcept
    : home_(std::move(other.home_)),
      bytes_(std::exchange(other.bytes_, {})),
      slot_(other.slot_),
      priority_(other.priority_) {}

ReceiveLoan& ReceiveLoan::operator=(ReceiveLoan&& other) noexcept {
  if (this != &other) {
    release();
    home_ = std::move(other.home_);
    bytes_ = std::exchange(other.bytes_, {});
    slot_ = other.slot_;
    priority_ = other.priority_;
  }
  return *this;
}

ReceiveLoan::~ReceiveLoan() { release(); }

bool ReceiveLoan::intact() const noexcept { return home_ == nullptr || home_->intact(); }

void ReceiveLoan::release() noexcept {
  if (home_ != nullptr) home_->release_loan(slot_);
  home_.reset();
  bytes_ = {};
}

void ReceiveLoan::put_back() noexcept {
  if (home_ != nullptr) home_->put_back_loan(slot_);
  home_.reset();
  bytes_ = {};
}

}  // namespace mqxx
